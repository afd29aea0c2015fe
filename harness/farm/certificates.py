"""Certificates of a farm: one authority of its own, and one certificate that its hosts share.

Whoever has a certificate that this authority signed may run commands on every host, so a folder of
them is what a password is. Nobody outside needs to know the authority.
"""

from __future__ import annotations

import datetime
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from harness.errors import UserError

AUTHORITY, CERTIFICATE, KEY = "authority.pem", "certificate.pem", "key.pem"
FILES = (AUTHORITY, CERTIFICATE, KEY)
VALID_DAYS = 825
"""The longest that browsers and Apple's systems take for a certificate."""
_ONE_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Certificates:
    """A folder of a farm's certificates.

    Attributes:
        folder: Where they are.
    """

    folder: Path

    @property
    def authority(self) -> Path:
        """Who signed all of them."""
        return self.folder / AUTHORITY

    @property
    def certificate(self) -> Path:
        """What a host or a person shows."""
        return self.folder / CERTIFICATE

    @property
    def key(self) -> Path:
        """Proves that it is theirs."""
        return self.folder / KEY


def find_certificates(folder: Path) -> Certificates:
    """The certificates of a folder.

    Raises:
        UserError: If one is missing, has ended, or others may read the key.
    """
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise UserError(
            f"{folder} lacks {' and '.join(missing)} of a farm's certificates; copy the folder "
            "from a host that has it, or make one with: python -m harness farm certificates"
        )
    found = Certificates(folder)
    if found.key.stat().st_mode & 0o077:
        raise UserError(
            f"Others may read {found.key}, and with it run commands on every host; type: chmod "
            f"600 {found.key}"
        )
    try:
        ends_at = x509.load_pem_x509_certificate(found.certificate.read_bytes()).not_valid_after_utc
    except ValueError as error:
        raise UserError(
            f"{found.certificate} is no certificate ({error}); copy it again from another host."
        ) from error
    if ends_at <= datetime.datetime.now(datetime.UTC):
        raise UserError(
            f"The certificate in {folder} ended on {ends_at:%Y-%m-%d}; make new ones with: python "
            "-m harness farm certificates"
        )
    return found


def make_certificates(folder: Path) -> Certificates:
    """Make an authority and a certificate, and forget the authority's key.

    No host is named in it: Dask asks who signed it, not whose it is.

    Args:
        folder: Where they go; made when missing.

    Raises:
        UserError: If there are some, or the folder does not take them.
    """
    there = [name for name in FILES if (folder / name).exists()]
    if there:
        raise UserError(
            f"{folder} holds {' and '.join(there)} already, which hosts may use; name another "
            "folder with --certificates."
        )
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _signed("Snapgate farm", authority_key.public_key(), None, authority_key)
    certificate = _signed("Snapgate host", key.public_key(), authority, authority_key)
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    made = Certificates(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write_private(made.key, private)
        made.authority.write_bytes(authority.public_bytes(pem))
        made.certificate.write_bytes(certificate.public_bytes(pem))
    except OSError as error:
        raise UserError(
            f"{folder} does not take certificates ({error.strerror}); name another folder with "
            "--certificates."
        ) from error
    return made


def _write_private(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def _signed(
    name: str,
    key: ec.EllipticCurvePublicKey,
    issuer: x509.Certificate | None,
    issuer_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    """A certificate; of the authority itself where nobody else issues it."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        # Clocks of hosts differ.
        .not_valid_before(now - _ONE_DAY)
        .not_valid_after(now + VALID_DAYS * _ONE_DAY)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if issuer is not None:
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())
