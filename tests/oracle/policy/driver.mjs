// Asks @cloud-copilot/iam-simulate (AGPL-3.0; its own process, development only) what AWS would decide.
// One JSON case a line on stdin, one JSON answer a line on stdout, in the same order. The internal engine is used
// because the public one drops context keys with a free part, such as kms:EncryptionContext:AppName.
import { createInterface } from 'node:readline'
import { loadPolicy } from '@cloud-copilot/iam-policy'

const base = new URL('./node_modules/@cloud-copilot/iam-simulate/dist/esm/', import.meta.url)
const load = (path) => import(new URL(path, base))
const { authorize } = await load('core_engine/CoreSimulatorEngine.js')
const { AwsRequestImpl } = await load('request/request.js')
const { RequestContextImpl } = await load('requestContext.js')
const { DiscoveryContextKeyConstraints } = await load('context_keys/discoveryContextKeyConstraints.js')

const simulationParameters = {
  simulationMode: 'Strict',
  discoveryContextKeyConstraints: new DiscoveryContextKeyConstraints([]),
}

// Numbers and booleans in a Condition become strings, as AWS stores them; the loader would pass them on as they are.
const text = (value) => (Array.isArray(value) ? value.map(text) : String(value))

function prepare(policy) {
  for (const { Condition } of list(policy.Statement)) {
    for (const block of Object.values(Condition ?? {})) {
      for (const key of Object.keys(block)) block[key] = text(block[key])
    }
  }
  return policy
}

const list = (value) => (Array.isArray(value) ? value : [value])

// Several session policies of one version allow and deny as one with all their statements.
const joined = ([first, ...rest]) => ({
  ...first,
  Statement: [first, ...rest].flatMap(({ Statement }) => list(Statement)),
})

const policy = (document, name) => loadPolicy(prepare(document), { name })

function decide(one) {
  const { resource } = one
  const request = new AwsRequestImpl(
    one.caller.arn,
    { resource: resource.arn, accountId: resource.owner },
    one.action,
    new RequestContextImpl(one.context),
    resource.kind === 'everything',
  )
  const analysis = authorize({
    request,
    identityPolicies: one.identity.map((document, at) => policy(document, `identity ${at}`)),
    permissionBoundaries: one.boundary ? [policy(one.boundary, 'boundary')] : undefined,
    sessionPolicy: one.sessions.length ? policy(joined(one.sessions), 'session') : undefined,
    // Each guard must allow, as each level of an organization must.
    serviceControlPolicies: one.guards.map((document, at) => ({
      orgIdentifier: `ou-${at}`,
      policies: [policy(document, `guard ${at}`)],
    })),
    resourceControlPolicies: [],
    resourcePolicy: one.own_policy ? policy(one.own_policy, 'own policy') : undefined,
    vpcEndpointPolicies: undefined,
    simulationParameters,
    serviceSettings: { s3: {} },
  })
  return {
    result: analysis.result,
    own_policy: analysis.resourceAnalysis?.result,
    identity: analysis.identityAnalysis?.result,
    boundary: analysis.permissionBoundaryAnalysis?.result,
    session: analysis.sessionAnalysis?.result,
    guards: analysis.scpAnalysis?.result,
  }
}

function answer(line) {
  try {
    return decide(JSON.parse(line))
  } catch (error) {
    return { result: 'Error', error: String(error) }
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const answered = process.stdout.write(JSON.stringify(answer(line)) + '\n')
  if (!answered) await new Promise((resume) => process.stdout.once('drain', resume))
}
