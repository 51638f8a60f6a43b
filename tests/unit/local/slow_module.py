"""Takes longer to load than the tests' init limit, the first time or always."""

import os
import time

_MARK = os.environ.get("MARK", "")
if not (_MARK and os.path.exists(_MARK)):
    if _MARK:
        open(_MARK, "w").close()
    time.sleep(60)


def handler(event, context):
    return "loaded"
