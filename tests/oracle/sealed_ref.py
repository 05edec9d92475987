"""Independent reference of the sealed format, the wrapped keyring and root.json, with PyPI "cryptography".

Sealed format, big-endian:
    0  version 0xB1 | 1  kind | 2  suite 1 | 3  format | 4  epoch, u32 | 8  sequence, u64 | 16  nonce, 16
    32 IV, 12 | 44  ciphertext | tag, 16
Key of one value = KBKDF(epoch key, label of the kind, bytes 0..32); associated data = what the value is bound to.

Run without arguments: prints the fixtures that the tests of keyreeve-crypto open.
"""

import hashlib
import hmac
import json
import struct

from blob_ref import derive
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

LABELS = {1: "record", 2: "credential", 3: "token", 4: "backup", 5: "material", 6: "keyring", 7: "slot",
          8: "session"}
NONCE, IV = bytes(range(0x40, 0x50)), bytes(range(0x60, 0x6C))


def seal(key, kind, binding, content, *, format=0, epoch=1, sequence=0, nonce=NONCE, iv=IV) -> bytes:
    header = struct.pack(">BBBBIQ", 0xB1, kind, 1, format, epoch, sequence) + nonce
    derived = derive(key, f"keyreeve/v1/{LABELS[kind]}".encode(), header, 32)
    return header + iv + AESGCM(derived).encrypt(iv, content, binding)


def fields(*parts: bytes) -> bytes:
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)


def keyring_content(created_ms: int) -> bytes:
    """Five purposes, epoch 1 each; the key of purpose p is 32 bytes of value p."""
    entries = (struct.pack(">BIq", purpose, 1, created_ms) + bytes([purpose]) * 32 for purpose in range(1, 6))
    return b"\x01" + b"".join(entries)


def root_json(root: bytes, key_file: bytes, generation: int) -> str:
    slot_fields = fields(b"keyreeve/v1/slot", struct.pack(">I", 1), b"key-file", b"root.key")
    wrapped = seal(key_file, 7, slot_fields, root, epoch=generation)
    listed = fields(b"keyreeve/v1/slots", struct.pack(">I", generation), slot_fields, wrapped)
    mac = hmac.new(derive(root, b"keyreeve/v1/slot-mac", b"", 32), listed, hashlib.sha256)
    slot = {"id": 1, "unlock": {"type": "key-file", "path": "root.key"}, "wrapped": wrapped.hex()}
    return json.dumps(
        {"version": 1, "generations": [{"generation": generation, "slots": [slot], "mac": mac.hexdigest()}]}
    )


def main() -> None:
    root, key_file = bytes(range(32)), bytes([5]) * 32
    print("key file", "keyreeve-root-key-1:" + key_file.hex())
    print("root.json", root_json(root, key_file, 3))
    print("keyring", seal(root, 6, b"keyring", keyring_content(1_790_000_000_000), epoch=3).hex())
    print("record", seal(bytes([1]) * 32, 1, b"kms/a", b"value", format=2, sequence=9).hex())


if __name__ == "__main__":
    main()
