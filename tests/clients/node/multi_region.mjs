// @aws-crypto/client-node: keyrings that know multi-Region keys. Each client asks its own Region, a process of its own.
import assert from "node:assert/strict";
import crypto from "node:crypto";
import * as esdk from "@aws-crypto/client-node";
import { KMS } from "@aws-sdk/client-kms";

const { encrypt, decrypt } = esdk.buildClient(esdk.CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT);
const { ACCOUNT, KEY_ID } = process.env;
const regions = Object.entries(JSON.parse(process.env.REGIONS)).map(([region, endpoint]) => ({
  keyId: `arn:aws:kms:${region}:${ACCOUNT}:key/${KEY_ID}`,
  client: new KMS({ region, endpoint, maxAttempts: 1 }),
}));
const discoveryFilter = { accountIDs: [ACCOUNT], partition: "aws" };

for (const maker of regions) {
  const plaintext = crypto.randomBytes(10_000);
  const { result } = await encrypt(new esdk.AwsKmsMrkAwareSymmetricKeyringNode(maker), plaintext);
  for (const { keyId, client } of regions) {
    for (const keyring of [
      new esdk.AwsKmsMrkAwareSymmetricKeyringNode({ keyId, client }),
      new esdk.AwsKmsMrkAwareSymmetricDiscoveryKeyringNode({ client, discoveryFilter }),
    ]) {
      assert.deepEqual((await decrypt(keyring, result)).plaintext, plaintext);
    }
    if (keyId !== maker.keyId) {
      // The others take the ARN in the message literally.
      const literal = new esdk.KmsKeyringNode({ keyIds: [keyId], clientProvider: () => client });
      await assert.rejects(decrypt(literal, result));
    }
  }
}
console.log("passed");
