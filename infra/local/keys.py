"""The key that signs the identity tokens of pushes, and the certificate that verifies them."""

import json
from datetime import UTC, datetime, timedelta

from infra.local.home import Home, write_private

KEY_ID = "tablegate-local"


def prepare(home: Home) -> None:
    """Create the key and its certificate, if the home has none yet."""
    if home.certificates.exists():
        return
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.x509.oid import NameOID

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, KEY_ID)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    write_private(home.signing_key, private.decode())
    public = certificate.public_bytes(serialization.Encoding.PEM).decode()
    # Last, because its existence means that both files exist.
    write_private(home.certificates, json.dumps({KEY_ID: public}))
