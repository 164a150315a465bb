// Runs oauth4webapi, openid-client and jose against an issuer: node token_clients.mjs FACTS
// FACTS is JSON: url, api, algorithm, clients ({name: [id, secret]}), logins ({name: refresh token}). Prints one JSON array of [what, error].
import assert from "node:assert/strict"
import * as jose from "jose"
import * as oauth from "oauth4webapi"
import * as openid from "openid-client"

const { url, api, algorithm, clients, logins } = JSON.parse(process.argv[2])
const insecure = { [oauth.allowInsecureRequests]: true } // the server of the test speaks http
const SCOPE = "orders:read orders:write"
const issuer = new URL(url)
const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...insecure }))
const keys = jose.createRemoteJWKSet(new URL(server.jwks_uri))
const jwt = { issuer: url, audience: api, typ: "at+jwt", algorithms: [algorithm], requiredClaims: ["sub", "client_id", "iat", "jti"] }
const open = (token) => fetch(api, { headers: { authorization: `Bearer ${token}` } })
const results = []

async function check(what, work) {
    try {
        await work()
        results.push([what, null])
    } catch (error) {
        results.push([what, `${error.stack} ${JSON.stringify(error.cause ?? null)}`])
    }
}

const fails = (code, status) => (error) => {
    assert.equal(error.error, code)
    assert.equal(error.status, status)
    return true
}

const WAYS = { client_secret_basic: oauth.ClientSecretBasic, client_secret_post: oauth.ClientSecretPost }

async function granted(id, way, parameters = { scope: SCOPE }) {
    const client = { client_id: id }
    return oauth.processClientCredentialsResponse(
        server, client, await oauth.clientCredentialsGrantRequest(server, client, way, parameters, insecure))
}

async function refreshed(id, way, token) {
    const client = { client_id: id }
    return oauth.processRefreshTokenResponse(server, client, await oauth.refreshTokenGrantRequest(server, client, way, token, insecure))
}

async function told(name, token) {
    const [id, secret] = clients[name]
    const client = { client_id: id }
    return oauth.processIntrospectionResponse(
        server, client, await oauth.introspectionRequest(server, client, oauth.ClientSecretBasic(secret), token, insecure))
}

async function revoked(id, way, token) {
    await oauth.processRevocationResponse(await oauth.revocationRequest(server, { client_id: id }, way, token, insecure))
}

for (const [method, way] of Object.entries(WAYS)) {
    for (const name of ["job", "odd"]) {
        const [id, secret] = clients[name]
        await check(`oauth4webapi: ${name} by ${method}`, async () => {
            assert.ok(server.token_endpoint_auth_methods_supported.includes(method))
            const { access_token: token, expires_in, scope } = await granted(id, way(secret))
            assert.deepEqual([expires_in, scope], [600, SCOPE])
            const request = new Request(api, { headers: { authorization: `Bearer ${token}` } })
            const claims = await oauth.validateJwtAccessToken(server, request, api, insecure)
            assert.deepEqual([claims.sub, claims.client_id, claims.scope], [id, id, SCOPE])
            const { protectedHeader } = await jose.jwtVerify(token, keys, jwt)
            assert.equal(protectedHeader.alg, algorithm)
            assert.equal((await open(token)).status, 200)
            assert.equal((await told("orders", token)).client_id, id)
            await revoked(id, way(secret), token)
            assert.deepEqual(await told("orders", token), { active: false })
            assert.equal((await open(token)).status, 401)
        })
        await check(`oauth4webapi: ${name} with a wrong secret by ${method}`, async () => {
            await assert.rejects(granted(id, way(`${secret}x`)), (error) => {
                // Where a response carries a challenge, the library throws that.
                assert.equal(error.code, "OAUTH_WWW_AUTHENTICATE_CHALLENGE")
                assert.deepEqual([error.status, error.cause[0].scheme, error.cause[0].parameters.realm], [401, "basic", "token"])
                return true
            })
        })
    }
}

await check("oauth4webapi: a scope beyond what was granted", () =>
    assert.rejects(granted("job", oauth.ClientSecretBasic(clients.job[1]), { scope: "admin" }), fails("invalid_scope", 400)))

for (const name of ["job", "app"]) {
    const [id, secret] = clients[name]
    const way = secret ? oauth.ClientSecretBasic(secret) : oauth.None()
    await check(`oauth4webapi: ${name} refreshes`, async () => {
        const first = logins[name]
        const second = await refreshed(id, way, first)
        assert.notEqual(second.refresh_token, first)
        assert.equal((await open(second.access_token)).status, 200)
        const again = await refreshed(id, way, first) // the answer was lost
        assert.equal(again.refresh_token, second.refresh_token)
        const third = await refreshed(id, way, second.refresh_token)
        await assert.rejects(refreshed(id, way, first), fails("invalid_grant", 400))
        await revoked(id, way, third.refresh_token)
        await assert.rejects(refreshed(id, way, third.refresh_token), fails("invalid_grant", 400))
        assert.equal((await open(third.access_token)).status, 401)
    })
}

const CONFIGURED = { client_secret_basic: openid.ClientSecretBasic, client_secret_post: openid.ClientSecretPost }
const discovered = (id, way) =>
    openid.discovery(issuer, id, undefined, way, { algorithm: "oauth2", execute: [openid.allowInsecureRequests] })

for (const [method, way] of Object.entries(CONFIGURED)) {
    const [id, secret] = clients.odd
    await check(`openid-client: tokens of its own by ${method}`, async () => {
        const config = await discovered(id, way(secret))
        const { access_token: token } = await openid.clientCredentialsGrant(config, { scope: SCOPE })
        const answer = await openid.fetchProtectedResource(config, token, new URL(api), "GET")
        assert.equal(answer.status, 200)
        const [orders, known] = clients.orders
        assert.equal((await openid.tokenIntrospection(await discovered(orders, way(known)), token)).active, true)
        await openid.tokenRevocation(config, token)
        assert.equal((await openid.tokenIntrospection(config, token)).active, false)
        const wrong = await discovered(id, way(`${secret}x`))
        await assert.rejects(openid.clientCredentialsGrant(wrong, {}), (error) => error.status === 401)
    })
}

await check("openid-client: refreshes", async () => {
    const config = await discovered("job", openid.ClientSecretBasic(clients.job[1]))
    const second = await openid.refreshTokenGrant(config, logins.again, { scope: "orders:read" })
    assert.equal(second.scope, "orders:read")
    const third = await openid.refreshTokenGrant(config, second.refresh_token)
    assert.equal(third.scope, SCOPE)
    await assert.rejects(openid.refreshTokenGrant(config, logins.again), fails("invalid_grant", 400))
})

console.log(JSON.stringify(results))
