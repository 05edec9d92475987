// @aws-crypto/client-node: the AWS Encryption SDK for JavaScript with a KMS keyring.
import assert from "node:assert/strict";
import crypto from "node:crypto";
import { buildClient, CommitmentPolicy, KmsKeyringNode } from "@aws-crypto/client-node";

const { encrypt, decrypt } = buildClient(CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT);
const keyring = new KmsKeyringNode({ generatorKeyId: process.env.KEY_ARN });
const plaintext = crypto.randomBytes(100_000);

const { result } = await encrypt(keyring, plaintext, { encryptionContext: { purpose: "ledger" } });
const opened = await decrypt(keyring, result);
assert.deepEqual(opened.plaintext, plaintext);
assert.equal(opened.messageHeader.encryptionContext.purpose, "ledger");
console.log("passed");
