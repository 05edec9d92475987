"""Key states: every operation against every state that a key can be brought into, from one table."""

import datetime

import botocore.auth
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding

from connect import make_client
from expect import refused

STATES = ("Enabled", "Disabled", "PendingDeletion", "PendingImport")
OK = None
REFUSALS = {
    "disabled": ("DisabledException", "{arn} is disabled."),
    "deleting": ("KMSInvalidStateException", "{arn} is pending deletion."),
    "importing": ("KMSInvalidStateException", "{arn} is pending import."),
    "external": ("UnsupportedOperationException", "{arn} origin is EXTERNAL which is not valid for this operation."),
    "nothing pending": (
        "KMSInvalidStateException",
        "No available key material pending rotation for the key: {arn}.",
    ),
    "not deleting": ("KMSInvalidStateException", "{arn} is not pending deletion."),
}
# What each group of operations answers in the four STATES.
USE = (OK, "disabled", "deleting", "importing")
ANY = (OK, OK, OK, OK)
EDIT = (OK, OK, "deleting", OK)
TOGGLE = (OK, OK, "deleting", "importing")
CANCEL = ("not deleting", "not deleting", OK, "not deleting")
# A key without material is an imported one, which has no schedule.
SCHEDULE = (OK, "disabled", "deleting", "external")
PUBLIC = (OK, OK, "deleting", None)

WRAPPING = {"WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}
OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
MATERIAL = bytes(range(32))

SYMMETRIC = {}
MAC = {"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"}
SIGNING = {"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"}
AGREEMENT = {"KeySpec": "ECC_NIST_P256", "KeyUsage": "KEY_AGREEMENT"}
ENCAPSULATION = {"KeySpec": "ML_KEM_768", "KeyUsage": "ENCAPSULATE_DECAPSULATE"}
ECDSA = {"SigningAlgorithm": "ECDSA_SHA_256"}
HMAC = {"MacAlgorithm": "HMAC_SHA_256"}
PEER = (
    ec.generate_private_key(ec.SECP256R1())
    .public_key()
    .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
)


def ciphertext(kms, arn):
    return {"CiphertextBlob": kms.encrypt(KeyId=arn, Plaintext=b"x")["CiphertextBlob"]}


def signature(kms, arn):
    return {"Message": b"x", "Signature": kms.sign(KeyId=arn, Message=b"x", **ECDSA)["Signature"], **ECDSA}


def mac(kms, arn):
    return {"Message": b"x", "Mac": kms.generate_mac(KeyId=arn, Message=b"x", **HMAC)["Mac"], **HMAC}


def capsule(kms, arn):
    made = kms.encapsulate(KeyId=arn, EncapsulationAlgorithm="ML_KEM")
    return {"SharedSecretCiphertextBlob": made["SharedSecretCiphertextBlob"], "EncapsulationAlgorithm": "ML_KEM"}


# Operation, kind of key, parameters beside KeyId (or what makes them while the key is enabled), answers by state.
TABLE = [
    ("encrypt", SYMMETRIC, {"Plaintext": b"x"}, USE),
    ("decrypt", SYMMETRIC, ciphertext, USE),
    ("generate_data_key", SYMMETRIC, {"KeySpec": "AES_256"}, USE),
    ("generate_data_key_without_plaintext", SYMMETRIC, {"KeySpec": "AES_256"}, USE),
    ("generate_data_key_pair", SYMMETRIC, {"KeyPairSpec": "ECC_NIST_P256"}, USE),
    ("generate_data_key_pair_without_plaintext", SYMMETRIC, {"KeyPairSpec": "ECC_NIST_P256"}, USE),
    ("generate_mac", MAC, {"Message": b"x", **HMAC}, USE),
    ("verify_mac", MAC, mac, USE),
    ("sign", SIGNING, {"Message": b"x", **ECDSA}, USE),
    ("verify", SIGNING, signature, USE),
    ("derive_shared_secret", AGREEMENT, {"KeyAgreementAlgorithm": "ECDH", "PublicKey": PEER}, USE),
    ("encapsulate", ENCAPSULATION, {"EncapsulationAlgorithm": "ML_KEM"}, USE),
    ("decapsulate", ENCAPSULATION, capsule, USE),
    ("get_public_key", SIGNING, {}, PUBLIC),
    ("describe_key", SYMMETRIC, {}, ANY),
    ("get_key_policy", SYMMETRIC, {}, ANY),
    ("list_key_policies", SYMMETRIC, {}, ANY),
    ("list_resource_tags", SYMMETRIC, {}, ANY),
    ("list_aliases", SYMMETRIC, {}, ANY),
    ("get_key_rotation_status", SYMMETRIC, {}, ANY),
    ("list_key_rotations", SYMMETRIC, {}, ANY),
    ("enable_key_rotation", SYMMETRIC, {}, SCHEDULE),
    ("disable_key_rotation", SYMMETRIC, {}, SCHEDULE),
    ("rotate_key_on_demand", SYMMETRIC, {}, USE),
    ("get_key_last_usage", SYMMETRIC, {}, ANY),
    ("update_key_description", SYMMETRIC, {"Description": "new"}, EDIT),
    ("tag_resource", SYMMETRIC, {"Tags": [{"TagKey": "a", "TagValue": "b"}]}, EDIT),
    ("untag_resource", SYMMETRIC, {"TagKeys": ["a"]}, EDIT),
    ("enable_key", SYMMETRIC, {}, TOGGLE),
    ("disable_key", SYMMETRIC, {}, TOGGLE),
    ("schedule_key_deletion", SYMMETRIC, {"PendingWindowInDays": 7}, EDIT),
    ("cancel_key_deletion", SYMMETRIC, {}, CANCEL),
]


def bring_into(kms, arn, state):
    if state == "Disabled":
        kms.disable_key(KeyId=arn)
    elif state == "PendingDeletion":
        kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)


def imported(kms, arn):
    """What imports the key's one material."""
    given = kms.get_parameters_for_import(KeyId=arn, **WRAPPING)
    wrapped = serialization.load_der_public_key(given["PublicKey"]).encrypt(MATERIAL, OAEP)
    token = {"ImportToken": given["ImportToken"], "EncryptedKeyMaterial": wrapped}
    return {**token, "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}


# Of keys with imported material, which wait for it again once it is deleted.
IMPORTED = [
    ("get_parameters_for_import", WRAPPING, EDIT),
    ("import_key_material", imported, EDIT),
    ("delete_imported_key_material", {}, ANY),
    ("encrypt", {"Plaintext": b"x"}, USE),
    ("decrypt", ciphertext, USE),
    ("generate_data_key", {"KeySpec": "AES_256"}, USE),
    ("rotate_key_on_demand", {}, ("nothing pending", "disabled", "deleting", "importing")),
    ("enable_key_rotation", {}, ("external", "disabled", "deleting", "external")),
    ("get_key_rotation_status", {}, ANY),
    ("list_key_rotations", {"IncludeKeyMaterial": "ALL_KEY_MATERIAL"}, ANY),
    ("enable_key", {}, TOGGLE),
    ("disable_key", {}, TOGGLE),
    ("cancel_key_deletion", {}, CANCEL),
]


@pytest.mark.parametrize(
    "operation, parameters, state, answer",
    [
        pytest.param(operation, parameters, state, answer, id=f"{operation}-{state}")
        for operation, parameters, answers in IMPORTED
        for state, answer in zip(STATES, answers, strict=True)
    ],
)
def test_operation_on_an_imported_key_in_state(kms, make_key, operation, parameters, state, answer):
    arn = make_key(Origin="EXTERNAL")
    kms.import_key_material(KeyId=arn, **imported(kms, arn))
    parameters = parameters(kms, arn) if callable(parameters) else parameters
    if state == "PendingImport":
        kms.delete_imported_key_material(KeyId=arn)
    bring_into(kms, arn, state)
    assert kms.describe_key(KeyId=arn)["KeyMetadata"]["KeyState"] == state
    call = lambda: getattr(kms, operation)(KeyId=arn, **parameters)
    if answer is OK:
        call()
    else:
        code, text = REFUSALS[answer]
        with refused(code, text.format(arn=arn)):
            call()


@pytest.mark.parametrize("state", ["PendingImport", "Disabled"])
def test_importing_the_same_material_again_enables_the_key(kms, make_key, state):
    arn = make_key(Origin="EXTERNAL")
    body = imported(kms, arn)
    kms.import_key_material(KeyId=arn, **body)
    blob = ciphertext(kms, arn)
    if state == "PendingImport":
        kms.delete_imported_key_material(KeyId=arn)
    bring_into(kms, arn, state)
    kms.import_key_material(KeyId=arn, **body)
    assert kms.describe_key(KeyId=arn)["KeyMetadata"]["KeyState"] == "Enabled"
    assert kms.decrypt(**blob)["Plaintext"] == b"x"


def rows():
    for operation, kind, parameters, answers in TABLE:
        for state, answer in zip(STATES, answers, strict=True):
            needs_material = callable(parameters) or kind is ENCAPSULATION or operation == "get_public_key"
            if state == "PendingImport" and needs_material:
                continue  # without material there never was an input to try
            yield pytest.param(operation, kind, parameters, state, answer, id=f"{operation}-{state}")


@pytest.mark.parametrize("operation, kind, parameters, state, answer", list(rows()))
def test_operation_in_state(kms, make_key, operation, kind, parameters, state, answer):
    origin = {"Origin": "EXTERNAL"} if state == "PendingImport" else {}
    arn = make_key(**kind, **origin)
    parameters = parameters(kms, arn) if callable(parameters) else parameters
    bring_into(kms, arn, state)
    assert kms.describe_key(KeyId=arn)["KeyMetadata"]["KeyState"] == state
    if answer is OK:
        getattr(kms, operation)(KeyId=arn, **parameters)
    else:
        code, text = REFUSALS[answer]
        with refused(code, text.format(arn=arn)):
            getattr(kms, operation)(KeyId=arn, **parameters)


@pytest.mark.parametrize("state, answer", list(zip(STATES, EDIT, strict=True)))
def test_create_alias_in_state(kms, make_key, state, answer):
    arn = make_key(**({"Origin": "EXTERNAL"} if state == "PendingImport" else {}))
    bring_into(kms, arn, state)
    create = {"AliasName": f"alias/state-{arn[-36:]}", "TargetKeyId": arn}
    if answer is OK:
        kms.create_alias(**create)
    else:
        with refused("KMSInvalidStateException", f"{arn} is pending deletion."):
            kms.create_alias(**create)


@pytest.mark.parametrize("side", ["source", "destination"])
@pytest.mark.parametrize("state, answer", list(zip(STATES, USE))[1:3])
def test_re_encrypt_needs_both_keys(kms, make_key, side, state, answer):
    source, destination = make_key(), make_key()
    blob = ciphertext(kms, source)
    arn = source if side == "source" else destination
    bring_into(kms, arn, state)
    code, text = REFUSALS[answer]
    with refused(code, text.format(arn=arn)):
        kms.re_encrypt(DestinationKeyId=destination, **blob)


def test_enable_and_disable_are_idempotent(kms, make_key):
    arn = make_key()
    for change, state in [
        ("enable", "Enabled"),
        ("disable", "Disabled"),
        ("disable", "Disabled"),
        ("enable", "Enabled"),
    ]:
        getattr(kms, f"{change}_key")(KeyId=arn)
        metadata = kms.describe_key(KeyId=arn)["KeyMetadata"]
        assert (metadata["KeyState"], metadata["Enabled"]) == (state, state == "Enabled")


@pytest.mark.parametrize("days", [7, 30, None])
def test_schedule_and_cancel(kms, make_key, days):
    arn = make_key()
    now = datetime.datetime.now(datetime.timezone.utc)
    answer = kms.schedule_key_deletion(KeyId=arn, **({"PendingWindowInDays": days} if days else {}))
    assert (answer["KeyId"], answer["KeyState"], answer["PendingWindowInDays"]) == (arn, "PendingDeletion", days or 30)
    assert abs(answer["DeletionDate"] - now - datetime.timedelta(days=days or 30)) < datetime.timedelta(minutes=1)
    metadata = kms.describe_key(KeyId=arn)["KeyMetadata"]
    assert metadata["DeletionDate"] == answer["DeletionDate"] and metadata["Enabled"] is False
    assert "PendingDeletionWindowInDays" not in metadata
    assert kms.cancel_key_deletion(KeyId=arn)["KeyId"] == arn
    metadata = kms.describe_key(KeyId=arn)["KeyMetadata"]
    assert metadata["KeyState"] == "Disabled" and "DeletionDate" not in metadata


def test_cancel_returns_an_empty_external_key_to_pending_import(kms, make_key):
    arn = make_key(Origin="EXTERNAL")
    kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)
    kms.cancel_key_deletion(KeyId=arn)
    metadata = kms.describe_key(KeyId=arn)["KeyMetadata"]
    assert metadata["KeyState"] == "PendingImport" and "CurrentKeyMaterialId" not in metadata


def test_a_disabled_key_scheduled_for_deletion_says_deletion(kms, make_key):
    arn = make_key()
    kms.disable_key(KeyId=arn)
    kms.schedule_key_deletion(KeyId=arn)
    with refused("KMSInvalidStateException", f"{arn} is pending deletion."):
        kms.encrypt(KeyId=arn, Plaintext=b"x")


@pytest.mark.parametrize("days", [1, 6, 31, 365])
def test_deletion_windows_outside_7_to_30_days_are_refused(kms, make_key, days):
    with refused("ValidationException"):
        kms.schedule_key_deletion(KeyId=make_key(), PendingWindowInDays=days)


def test_a_key_is_gone_after_its_window(clock_server):
    """The server's clock and the client's move together: signatures stay valid."""
    kms = make_client(clock_server.url)
    doomed, kept = (kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2))
    blob = kms.encrypt(KeyId=doomed, Plaintext=b"x")["CiphertextBlob"]
    kms.create_alias(AliasName="alias/doomed", TargetKeyId=doomed)
    kms.schedule_key_deletion(KeyId=doomed, PendingWindowInDays=7)

    later = lambda *_: datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None) + datetime.timedelta(days=8)
    clock_server.shift("+8d")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.auth, "get_current_datetime", later)
        with refused("NotFoundException", f"Key '{doomed}' does not exist"):
            kms.describe_key(KeyId=doomed)
        with refused("NotFoundException"):
            kms.decrypt(CiphertextBlob=blob, KeyId=doomed)
        assert "alias/doomed" not in [alias["AliasName"] for alias in kms.list_aliases()["Aliases"]]
        assert [entry["KeyArn"] for entry in kms.list_keys()["Keys"]] == [kept]
