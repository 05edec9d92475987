"""HMAC keys: generated MACs are checked here by what a second key holder would do, through VerifyMac and lengths."""

import pytest

from expect import refused

SIZES = {224: 28, 256: 32, 384: 48, 512: 64}
DRY_RUN = "The request would have succeeded, but the DryRun option is set."


@pytest.fixture(scope="module")
def mac_key(kms):
    made = {}

    def find(size):
        if size not in made:
            parameters = {"KeySpec": f"HMAC_{size}", "KeyUsage": "GENERATE_VERIFY_MAC"}
            made[size] = kms.create_key(**parameters)["KeyMetadata"]
        return made[size]

    return find


@pytest.mark.parametrize("size, length", list(SIZES.items()))
def test_macs_verify_and_nothing_else_does(kms, mac_key, size, length):
    metadata, algorithm = mac_key(size), f"HMAC_SHA_{size}"
    assert metadata["MacAlgorithms"] == [algorithm] and "CurrentKeyMaterialId" not in metadata
    given = {"KeyId": metadata["Arn"], "MacAlgorithm": algorithm, "Message": b"m" * 4096}
    answer = kms.generate_mac(**given)
    mac = answer["Mac"]
    assert (answer["KeyId"], answer["MacAlgorithm"], len(mac)) == (metadata["Arn"], algorithm, length)
    assert kms.generate_mac(**given)["Mac"] == mac
    assert kms.verify_mac(Mac=mac, **given)["MacValid"] is True
    for wrong in (mac[:-1], mac + b"\0", bytes([mac[0] ^ 1]) + mac[1:], mac[:-1] + bytes([mac[-1] ^ 1]), b"x"):
        with refused("KMSInvalidMacException", None):
            kms.verify_mac(Mac=wrong, **given)
    with refused("KMSInvalidMacException", None):
        kms.verify_mac(Mac=mac, **{**given, "Message": b"m" * 4095})
    with refused("DryRunOperationException", DRY_RUN):
        kms.generate_mac(DryRun=True, **given)
    with refused("DryRunOperationException", DRY_RUN):
        kms.verify_mac(DryRun=True, Mac=mac, **given)


def test_two_keys_make_two_macs(kms, mac_key):
    other = kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["Arn"]
    macs = {
        kms.generate_mac(KeyId=arn, MacAlgorithm="HMAC_SHA_256", Message=b"x")["Mac"]
        for arn in (other, mac_key(256)["Arn"])
    }
    assert len(macs) == 2


def test_algorithms_and_keys_that_do_not_fit(kms, mac_key, key):
    with refused("InvalidKeyUsageException", "Algorithm HMAC_SHA_256 is incompatible with key spec HMAC_224."):
        kms.generate_mac(KeyId=mac_key(224)["Arn"], MacAlgorithm="HMAC_SHA_256", Message=b"x")
    with refused(
        "InvalidKeyUsageException", f"{key['Arn']} key usage is ENCRYPT_DECRYPT which is not valid for GenerateMac."
    ):
        kms.generate_mac(KeyId=key["Arn"], MacAlgorithm="HMAC_SHA_256", Message=b"x")
    with refused("UnsupportedOperationException", None):
        kms.get_public_key(KeyId=mac_key(256)["Arn"])
