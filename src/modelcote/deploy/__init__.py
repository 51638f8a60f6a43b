"""From a registry snapshot to running functions: plan, package, run the program (docs/architecture/07-deploy.md).

A wheel carries the program beside this package, not on Python's path. The one place that puts it there is here: `infra`
is imported by this package, and by `modelcote.local`, which imports it first.
"""

import sys

from modelcote.core.project import project_root

if str(project_root()) not in sys.path:
    sys.path.append(str(project_root()))
