"""A callback's credentials at rest: envelope encryption with a KMS data key, bound to their run.

The sealed text is kept in the run's row and deleted with it. Text sealed for one run cannot be opened for another:
project and run id are the encryption context of the key and of the text.
"""

from __future__ import annotations

import base64
import json
import os
from typing import Any

from modelcote.core.errors import BackendUnavailable
from modelcote.webhooks.credentials import BasicAuth, MtlsAuth, auth_from_dict, auth_to_dict


def seal(kms: Any, key_arn: str, auth: BasicAuth | MtlsAuth, project: str, run_id: str) -> str:
    """Return the credentials as text that can be opened only with KMS and for this run; raise `BackendUnavailable`.

    `kms` is boto3's KMS client, or `modelcote.aws.services.Kms`.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    context = _context(project, run_id)
    try:
        data_key = kms.generate_data_key(KeyId=key_arn, KeySpec="AES_256", EncryptionContext=context)
    except Exception as error:
        raise BackendUnavailable("the webhook's credentials could not be sealed.", "Try again in a moment.") from error
    nonce = os.urandom(12)
    text = AESGCM(data_key["Plaintext"]).encrypt(nonce, json.dumps(auth_to_dict(auth)).encode(), _bound(context))
    parts = {"key": data_key["CiphertextBlob"], "nonce": nonce, "text": text}
    return json.dumps({name: base64.b64encode(part).decode() for name, part in parts.items()})


def unseal(kms: Any, sealed: str, project: str, run_id: str) -> BasicAuth | MtlsAuth:
    """Return what `seal` sealed, with boto3's client; raise KMS's errors, and `InvalidTag` for another run's text."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    context = _context(project, run_id)
    parts = {name: base64.b64decode(part) for name, part in json.loads(sealed).items()}
    key = kms.decrypt(CiphertextBlob=parts["key"], EncryptionContext=context)["Plaintext"]
    return auth_from_dict(json.loads(AESGCM(key).decrypt(parts["nonce"], parts["text"], _bound(context))))


def _context(project: str, run_id: str) -> dict[str, str]:
    return {"modelcote:project": project, "modelcote:run_id": run_id}


def _bound(context: dict[str, str]) -> bytes:
    return json.dumps(context, sort_keys=True).encode()
