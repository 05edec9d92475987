"""An OpenID Connect issuer on this machine: discovery and keys over TLS with a private authority, and signed tokens."""

import base64
import datetime
import http.server
import ipaddress
import json
import ssl
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

DISCOVERY = "/.well-known/openid-configuration"


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _certificate(subject, key, issuer, signer, *, authority):
    now = datetime.datetime.now(datetime.timezone.utc)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if not authority:
        names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(signer, hashes.SHA256())


def _pem(thing):
    return thing.public_bytes(serialization.Encoding.PEM)


def vouched_context(folder):
    """TLS for a server on this machine, and the file of the certificate that vouches for it."""
    authority, chain = folder / "authority.pem", folder / "chain.pem"
    root, leaf = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority.write_bytes(_pem(_certificate("test authority", root, "test authority", root, authority=True)))
    private = leaf.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    chain.write_bytes(_pem(_certificate("server", leaf, "test authority", root, authority=False)) + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return authority, context


class Issuer:
    """Serves until it is closed. `authority` is the file of the certificate that vouches for it."""

    def __init__(self, folder):
        self.authority, context = vouched_context(folder)
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.asked = []
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.url = f"https://{self.host}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self):
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                issuer.asked.append(self.path)
                pages = {DISCOVERY: issuer.document, "/keys": issuer.key_set}
                page = pages.get(self.path)
                body = json.dumps(page() if page else {}).encode()
                self.send_response(200 if page else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler

    def document(self):
        return {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/keys",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def key_set(self):
        numbers = self.key.public_key().public_numbers()
        modulus = base64url(numbers.n.to_bytes(256, "big"))
        return {"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "k1", "n": modulus, "e": "AQAB"}]}

    def service_account(self, namespace="ns", name="app", **claims):
        """A token as Kubernetes projects it into a pod."""
        now = int(time.time())
        return self.token(
            {
                "iss": self.url,
                "sub": f"system:serviceaccount:{namespace}:{name}",
                "aud": ["sts.amazonaws.com"],
                "iat": now,
                "nbf": now,
                "exp": now + 3600,
                "jti": "4e5b1f3c-0000-4000-8000-000000000000",
                "kubernetes.io": {"namespace": namespace, "serviceaccount": {"name": name, "uid": "1"}},
                **claims,
            }
        )

    def token(self, claims, key=None, **header):
        """A signed token; a claim of None is left out."""
        claims = {name: value for name, value in claims.items() if value is not None}
        parts = [{"alg": "RS256", "kid": "k1", "typ": "JWT", **header}, claims]
        signed = ".".join(base64url(json.dumps(part).encode()) for part in parts)
        signature = (key or self.key).sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{base64url(signature)}"
