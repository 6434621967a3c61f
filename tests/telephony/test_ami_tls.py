# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""The client over TLS."""

import datetime
import ipaddress
import socket
import ssl
import threading

import pytest
import recordings
from fake_ami import Client, Server, connected, until

from telephony import ami


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """Return the folder of a CA (``ca.pem``) and what it signed for two names."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    folder = tmp_path_factory.mktemp("authority")
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)

    def certificate(name, key, issuer, issuer_key, *extensions):
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - day)
            .not_valid_after(now + day)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(
                    issuer_key.public_key()
                ),
                False,
            )
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(issuer_key, hashes.SHA256())

    def pem(thing):
        return thing.public_bytes(serialization.Encoding.PEM)

    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "CA of the tests")])
    ca_key = ec.generate_private_key(ec.SECP256R1())
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    ca = certificate(
        ca_name,
        ca_key,
        ca_name,
        ca_key,
        (x509.BasicConstraints(ca=True, path_length=0), True),
        (usage, True),
    )
    (folder / "ca.pem").write_bytes(pem(ca))
    names = {
        "right": x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        "wrong": x509.DNSName("another.example"),
    }
    for file, alternative in names.items():
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, file)])
        alternatives = x509.SubjectAlternativeName([alternative])
        signed = certificate(subject, key, ca_name, ca_key, (alternatives, False))
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        (folder / f"{file}.pem").write_bytes(private + pem(signed))
    return folder


@pytest.fixture
def tls_server(authority):
    def server(certificate="right", **kwargs):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority / f"{certificate}.pem")
        return Server(context=context, **kwargs)

    return server


@pytest.mark.parametrize("as_text", [False, True])
def test_tls(tls_server, authority, as_text):
    ca = authority / "ca.pem"
    ca = ca.read_text() if as_text else str(ca)
    data = b"".join(map(recordings.events, recordings.names()))
    expected = list(ami.messages(data))
    with tls_server() as server, connected(server, tls=True, ca=ca) as client:
        server.send(data)
        assert until(lambda: len(client.events) > len(expected))
        assert client.events[1:] == expected
        assert client.ping()
        server.drop()
        assert until(lambda: server.logins == 2 and client.connected())


def test_tls_both_ways_at_once(tls_server, authority):
    """Many actions while events pour in: OpenSSL has one thread at a time."""
    data = recordings.events("a_queue_answered")
    ca = str(authority / "ca.pem")
    turns, errors = 20, []

    def value(request):
        return data + request.answer(("Value", request["Variable"]))

    with tls_server(answers={"Getvar": value}) as server:
        with connected(server, tls=True, ca=ca, timeout=10) as client:

            def ask(number):
                for turn in range(turns):
                    name = f"{number}-{turn}-" + "x" * 20000
                    if client.action("Getvar", {"Variable": name})["Value"] != name:
                        errors.append(name)

            threads = [threading.Thread(target=ask, args=(n,)) for n in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(60)
            assert errors == []
            assert server.logins == 1
            assert len(client.events) == 1 + 4 * turns * data.count(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("certificate", "ca", "reason"),
    [
        ("right", None, "is not trusted"),
        ("wrong", "ca.pem", "IP address mismatch"),
        ("right", "missing.pem", "CA certificate cannot be read"),
    ],
    ids=["unknown authority", "another name", "no file"],
)
def test_tls_refused(tls_server, authority, certificate, ca, reason):
    with tls_server(certificate) as server:
        ca = ca and str(authority / ca)
        with Client(server.port, tls=True, ca=ca) as client:
            assert until(lambda: client.is_in("refused"))
            assert reason in client.reason("refused")
        assert server.requests == []


def test_tls_with_a_port_without_it():
    with Server() as server, Client(server.port, tls=True) as client:
        assert until(lambda: client.is_in("refused"))
        assert "does not speak TLS" in client.reason("refused")


def test_no_tls_with_a_port_that_wants_it(tls_server):
    with tls_server() as server, Client(server.port) as client:
        assert until(lambda: client.is_in("lost"))
        assert "wants TLS" in client.reason("lost")
        assert server.requests == []


def test_closed_during_handshake():
    """Asterisk going down looks like that: no reason to wait long."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with Client(listener.getsockname()[1], tls=True) as client:
            peer, _address = listener.accept()
            peer.recv(65536)
            peer.shutdown(socket.SHUT_RDWR)
            assert until(lambda: len(client.states) > 1)
            assert client.states[1][0] == "lost"
            peer.close()
