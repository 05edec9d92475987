// @aws-sdk/client-kms: a round trip, a refusal and a signature that node's own crypto verifies.
import assert from "node:assert/strict";
import crypto from "node:crypto";
import * as kms from "@aws-sdk/client-kms";

const client = new kms.KMSClient({ maxAttempts: 1 });
const KeyId = process.env.KEY_ARN;
const EncryptionContext = { purpose: "ledger" };

const sealed = await client.send(new kms.EncryptCommand({ KeyId, Plaintext: Buffer.from("hello"), EncryptionContext }));
const { CiphertextBlob } = sealed;
const opened = await client.send(new kms.DecryptCommand({ CiphertextBlob, EncryptionContext }));
assert.equal(Buffer.from(opened.Plaintext).toString(), "hello");
await assert.rejects(client.send(new kms.DecryptCommand({ CiphertextBlob })), { name: "InvalidCiphertextException" });

const made = await client.send(new kms.CreateKeyCommand({ KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" }));
const signer = { KeyId: made.KeyMetadata.KeyId, SigningAlgorithm: "ECDSA_SHA_256" };
const Message = Buffer.from("a message");
const { Signature } = await client.send(new kms.SignCommand({ ...signer, Message }));
const { PublicKey } = await client.send(new kms.GetPublicKeyCommand({ KeyId: signer.KeyId }));
const publicKey = crypto.createPublicKey({ key: Buffer.from(PublicKey), format: "der", type: "spki" });
assert.ok(crypto.verify("sha256", Message, publicKey, Signature));

let seen = 0;
for await (const page of kms.paginateListKeys({ client, pageSize: 2 }, {})) seen += page.Keys.length;
assert.ok(seen >= 2);
console.log("passed");
