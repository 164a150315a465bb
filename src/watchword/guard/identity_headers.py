"""Lists the request fields in which proxies, meshes and clouds state an identity to an application.

Such a field is the output of an authentication. One from a client is removed before the application sees the request (threats H3, H10,
N9). Each group names the documentation that it comes from. `*` at the end of a name stands for any rest, where a product defines
open-ended names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.errors import ConfigurationError
from watchword.field_index import canonical_name
from watchword.grammar import is_token

if TYPE_CHECKING:
    from collections.abc import Iterable

SOURCES: dict[str, tuple[str, ...]] = {
    # Users and groups
    "CGI (RFC 3875 §4.1.11), Authelia: authelia.com/integration/trusted-header-sso": (
        "remote-user",
        "remote-group",
        "remote-groups",
        "remote-name",
        "remote-email",
        "auth-user",
    ),
    "Kubernetes, authenticating proxy and impersonation: kubernetes.io/docs/reference/access-authn-authz/authentication": (
        "x-remote-user",
        "x-remote-group",
        "x-remote-groups",
        "x-remote-name",
        "x-remote-email",
        "x-remote-uid",
        "x-remote-extra-*",
        "impersonate-*",
    ),
    "oauth2-proxy, OpenShift oauth-proxy, Databricks Apps, Jenkins: oauth2-proxy.github.io/oauth2-proxy/configuration/overview": (
        "x-forwarded-user",
        "x-forwarded-email",
        "x-forwarded-group",
        "x-forwarded-groups",
        "x-forwarded-roles",
        "x-forwarded-preferred-username",
        "x-forwarded-access-token",
        "x-forwarded-id-token",
        "x-forwarded-display-name",
        "x-forwarded-displayname",
        "x-auth-request-*",
    ),
    "authentik, proxy provider: docs.goauthentik.io/add-secure-apps/providers/proxy": ("x-authentik-*",),
    "Keycloak Gatekeeper, Louketo: github.com/gogatekeeper/gatekeeper": (
        "x-auth-audience",
        "x-auth-email",
        "x-auth-expiresin",
        "x-auth-family-name",
        "x-auth-given-name",
        "x-auth-groups",
        "x-auth-roles",
        "x-auth-subject",
        "x-auth-user",
        "x-auth-userid",
        "x-auth-username",
    ),
    "Grafana, Gitea and others, auth proxy: grafana.com/docs/grafana/latest/setup-grafana/configure-access": ("x-webauth-*",),
    "Vouch: github.com/vouch/vouch-proxy": ("x-vouch-*",),
    "Pomerium: pomerium.com/docs/capabilities/getting-users-identity": ("x-pomerium-*",),
    "Ory Oathkeeper, mutator header: ory.sh/docs/oathkeeper/pipeline/mutator": (
        "x-user",
        "x-user-id",
        "x-user-name",
        "x-user-email",
        "x-user-groups",
        "x-user-roles",
    ),
    "Caddy Security: docs.authcrunch.com": ("x-token-subject", "x-token-user-*"),
    "Kong and Apache APISIX: developer.konghq.com/plugins/key-auth, apisix.apache.org/docs/apisix/plugins/openid-connect": (
        "x-consumer-*",
        "x-credential-identifier",
        "x-credential-username",
        "x-anonymous-consumer",
        "x-authenticated-*",
        "authenticated-user",
        "x-userinfo",
        "x-id-token",
    ),
    "mod_auth_openidc, OIDCPassClaimsAs: github.com/OpenIDC/mod_auth_openidc": ("oidc-claim-*", "oidc-access-token", "oidc-id-token*"),
    "Shibboleth, ShibUseHeaders: shibboleth.atlassian.net/wiki/spaces/SP3": ("shib-*",),
    "SiteMinder, Spring Security's RequestHeaderAuthenticationFilter: docs.spring.io/spring-security/reference": (
        "sm-user",
        "sm-userdn",
        "sm-universalid",
        "x-principal",
    ),
    "IBM Security Verify Access, Oracle Access Manager": ("iv-user", "iv-user-l", "iv-groups", "iv-creds", "oam-remote-user"),
    "Sandstorm: docs.sandstorm.io/en/latest/developing/auth": ("x-sandstorm-*",),
    "ShinyProxy, Posit Connect, Domino": ("x-sp-userid", "x-sp-usergroups", "rstudio-connect-credentials", "domino-username"),
    "Tailscale, serve and nginx-auth: tailscale.com/kb/1312/serve": ("tailscale-*",),
    "Teleport: goteleport.com/docs/enroll-resources/application-access/jwt": ("teleport-jwt-assertion",),
    # Clouds
    "AWS, Application Load Balancer: docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-authenticate-users.html": (
        "x-amzn-oidc-*",
        "x-amzn-mtls-*",
    ),
    "AWS, Verified Access and Lambda Web Adapter: docs.aws.amazon.com/verified-access/latest/ug/user-claims-passing.html": (
        "x-amzn-ava-*",
        "x-amzn-request-context",
    ),
    "Azure, App Service and Static Web Apps: learn.microsoft.com/azure/app-service/configure-authentication-user-identities": (
        "x-ms-client-principal*",
        "x-ms-token-*",
        "x-arr-clientcert*",
    ),
    "Google Cloud, IAP, API Gateway and Endpoints: cloud.google.com/iap/docs/identity-howto": (
        "x-goog-authenticated-user-*",
        "x-goog-iap-*",
        "x-apigateway-api-userinfo",
        "x-endpoint-api-userinfo",
    ),
    "Cloudflare, Access and client certificates: developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps": (
        "cf-access-*",
        "cf-client-cert-*",
    ),
    "Snowflake, container services: docs.snowflake.com/en/developer-guide/snowpark-container-services": ("sf-context-*",),
    # Meshes
    "Envoy, Istio, Cloud Foundry: envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/headers": (
        "x-forwarded-client-cert*",
        "x-jwt-payload",
        "x-jwt-claim-*",
    ),
    "WSO2: apim.docs.wso2.com": ("x-jwt-assertion",),
    "Linkerd: linkerd.io": ("l5d-client-id",),
    # Client certificates, passed on by what ends TLS
    "RFC 9440": ("client-cert", "client-cert-chain"),
    "ingress-nginx, Apache mod_ssl: kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations": ("ssl-client-*",),
    "HAProxy: haproxy.com/documentation/haproxy-configuration-tutorials/security/authentication/client-certificate-authentication": (
        "x-ssl-client-*",
        "x-ssl-cert*",
        "x-ssl-issuer*",
        "x-ssl-subject*",
    ),
    "nginx, Google Cloud load balancers: cloud.google.com/load-balancing/docs/https/custom-headers": (
        "x-client-cert*",
        "x-client-dn",
        "x-client-verify",
    ),
    "Traefik: doc.traefik.io/traefik/middlewares/http/passtlsclientcert": ("x-forwarded-tls-client-cert*",),
}

IDENTITY_HEADERS: tuple[str, ...] = tuple(dict.fromkeys(name for names in SOURCES.values() for name in names))
"""The names of all sources, lower case; those that end in `*` are prefixes."""


class IdentityHeaders:
    """A set of field names and prefixes.

    Args:
        names: as `Guard(identity_headers=...)` takes them.

    Raises:
        ConfigurationError: a name is not a field name.
    """

    __slots__ = ("names", "prefixes")

    def __init__(self, names: Iterable[str]) -> None:
        exact: set[str] = set()
        prefixes: set[str] = set()
        for given in names:
            # Field names are compared in any letter case (RFC 9110 §5.1).
            name = given.lower()
            # `*` alone leaves an empty stem, which is no token: it would take every field out of every request.
            stem = name.removesuffix("*")
            # A name with an underscore would never match: names are compared in their canonical form, with hyphens (threats H2).
            if not is_token(stem) or canonical_name(stem) != stem:
                raise ConfigurationError(
                    'Guard(identity_headers=...) must hold field names such as "remote-user" or "x-remote-extra-*" (RFC 9110 §5.1), got '
                    f"{given!r}. Write hyphens: aliases such as underscores are covered."
                )
            (exact if stem == name else prefixes).add(stem)
        self.names: frozenset[str] = frozenset(exact)
        # `str.startswith` takes a tuple: one call for all prefixes.
        self.prefixes: tuple[str, ...] = tuple(sorted(prefixes))

    def __contains__(self, name: str) -> bool:
        return name in self.names or name.startswith(self.prefixes)

    def __repr__(self) -> str:
        return f"IdentityHeaders({sorted([*self.names, *(f'{prefix}*' for prefix in self.prefixes)])})"
