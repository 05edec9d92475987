"""A KMS that is not ours: as much of one as a test needs, on loopback. Its ciphertexts name no key, as AWS's do not,
and it unwraps imported material with the library `cryptography`."""

import base64
import contextlib
import functools
import http.server
import json
import threading

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap_with_padding
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ARN = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


@functools.cache
def wrapping_key():
    """One for all: making it can take longer than a client waits."""
    return rsa.generate_private_key(65537, 4096)


class PaperKms:
    """One key. `faults` are answered first: (status, error type) each. After `answers` answers to ReEncrypt it says
    nothing more to that until `go_on`; `silent` is set when somebody waits for one."""

    def __init__(self, spec="SYMMETRIC_DEFAULT", faults=(), answers=None):
        self.spec, self.faults = spec, list(faults)
        self.answers = answers
        self.silent = threading.Event()
        self._speaks = threading.Event()
        self.material = b"\2"
        self.asked = []
        self.imported = None
        self._wrapping = None
        self._lock = threading.Lock()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def go_on(self):
        self.answers = None
        self._speaks.set()

    def close(self):
        self.go_on()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @staticmethod
    def seal(material, plaintext):
        return b"\1\2\2\0x" + material * 32 + plaintext

    def count(self, operation):
        return sum(asked == operation for asked, _ in self.asked)

    def answer(self, operation, question):
        if operation == "ReEncrypt" and self._is_over():
            self.silent.set()
            self._speaks.wait()
        with self._lock:
            self.asked.append((operation, question))
            if self.faults:
                status, error = self.faults.pop(0)
                return status, {"__type": error, "message": "not now"}
            return getattr(self, operation)(**question)

    def _is_over(self):
        with self._lock:
            if self.answers:
                self.answers -= 1
                return False
            return self.answers == 0

    def DescribeKey(self, KeyId):
        metadata = {"Arn": ARN, "KeyId": ARN.rsplit("/", 1)[1], "KeySpec": self.spec, "KeyState": "Enabled"}
        if self.spec == "SYMMETRIC_DEFAULT":
            metadata["CurrentKeyMaterialId"] = (self.material * 32).hex()
        return 200, {"KeyMetadata": metadata | {"Origin": "EXTERNAL"}}

    def ReEncrypt(self, CiphertextBlob, DestinationKeyId, SourceKeyId):
        blob = base64.b64decode(CiphertextBlob)
        if not blob.startswith(b"\1\2\2\0x"):
            return 400, {"__type": "InvalidCiphertextException"}
        new = self.seal(self.material, blob[37:])
        ids = {"SourceKeyMaterialId": blob[5:37].hex(), "DestinationKeyMaterialId": new[5:37].hex()}
        return 200, ids | {"CiphertextBlob": base64.b64encode(new).decode(), "KeyId": ARN, "SourceKeyId": ARN}

    def GetParametersForImport(self, KeyId, WrappingAlgorithm, WrappingKeySpec):
        assert (KeyId, WrappingKeySpec) == (ARN, "RSA_4096")
        key = wrapping_key()
        self._wrapping = WrappingAlgorithm, key
        spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return 200, {"KeyId": ARN, "ImportToken": "dG9rZW4=", "PublicKey": base64.b64encode(spki).decode()}

    def ImportKeyMaterial(self, KeyId, ImportToken, EncryptedKeyMaterial, **order):
        assert (KeyId, ImportToken) == (ARN, "dG9rZW4=")
        algorithm, key = self._wrapping
        wrapped = base64.b64decode(EncryptedKeyMaterial)
        if algorithm == "RSAES_OAEP_SHA_256":
            material = key.decrypt(wrapped, OAEP)
        else:
            assert algorithm == "RSA_AES_KEY_WRAP_SHA_256"
            material = aes_key_unwrap_with_padding(key.decrypt(wrapped[:512], OAEP), wrapped[512:])
        self.imported = material, algorithm, order
        return 200, {"KeyId": ARN}

    def _handler(self):
        kms = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, answer = kms.answer(self.headers["X-Amz-Target"].removeprefix("TrentService."), question)
                body = json.dumps(answer).encode()
                # Whoever asked may be gone.
                with contextlib.suppress(ConnectionError):
                    self.send_response(status)
                    self.send_header("Content-Type", "application/x-amz-json-1.1")
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, *arguments):
                """Silent."""

        return Handler
