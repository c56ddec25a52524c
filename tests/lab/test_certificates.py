"""The lab's certificates: they verify where they should, and fail where they should."""

import os
import socket
import ssl
import stat
import threading

import pytest

from recon.lab.certificates import make_tls_files


def handshake(files, ca_file, name):
    """One TLS handshake over a socket pair; the client verifies against `ca_file` and `name`."""
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(files.certificate_file, files.key_file)
    client_context = ssl.create_default_context(cafile=ca_file)
    client_context.verify_flags |= ssl.VERIFY_X509_STRICT
    left, right = socket.socketpair()

    def serve():
        tls = server_context.wrap_socket(left, server_side=True, do_handshake_on_connect=False)
        try:
            tls.do_handshake()
        except OSError:
            pass
        finally:
            tls.close()

    thread = threading.Thread(target=serve)
    thread.start()
    tls = client_context.wrap_socket(right, server_hostname=name, do_handshake_on_connect=False)
    try:
        tls.do_handshake()
        return tls.getpeercert()
    finally:
        tls.close()
        thread.join()


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "dc1.contoso.example"])
def test_names_and_addresses_verify(tmp_path, name):
    files = make_tls_files(tmp_path / "tls", names=("localhost", "dc1.contoso.example"))
    certificate = handshake(files, files.ca_file, name)
    assert certificate["subjectAltName"] == (
        ("DNS", "localhost"),
        ("DNS", "dc1.contoso.example"),
        ("IP Address", "127.0.0.1"),
    )


def test_another_name_another_ca_and_an_old_certificate_do_not(tmp_path):
    files = make_tls_files(tmp_path / "one")
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        handshake(files, files.ca_file, "dc2.contoso.example")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(files, make_tls_files(tmp_path / "two").ca_file, "localhost")
    old = make_tls_files(tmp_path / "old", is_expired=True)
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        handshake(old, old.ca_file, "localhost")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no file modes; the folder's rights protect the key")
def test_the_key_is_private_also_when_it_was_not(tmp_path):
    (tmp_path / "server.key").write_text("old")
    (tmp_path / "server.key").chmod(0o644)
    files = make_tls_files(tmp_path)
    assert stat.S_IMODE(files.key_file.stat().st_mode) == 0o600
