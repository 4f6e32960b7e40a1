#!/bin/sh
# make_certs.sh DIR - certificates for tests, made with openssl(1): nothing secret, nothing checked in.
#   ca.pem                        the CA tests trust
#   server.pem/.key               localhost, 127.0.0.1, ::1, signed by it
#   wrongname.pem/.key            signed, but for other.example
#   expired.pem/.key              signed for localhost, valid in 2001 only
#   selfsigned.pem/.key           localhost, signed by nobody
#   client.pem/.key               client "agent-1", signed by the CA
#   app.pem/.key                  an application that signs assertions: RSA, signed by itself
#   otherca.pem, stranger.pem/.key  another CA and its client "agent-1"
set -eu
dir=$1
mkdir -p "$dir"
cd "$dir"
umask 077

new_key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"; }

make_ca() { # name, subject
    new_key "$1"
    openssl req -x509 -new -key "$1.key" -out "$1.pem" -days 30 -subj "/CN=$2" \
        -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
}

cat > sign.cnf <<'CNF'
[ca]
default_ca = d
[d]
database = index.txt
serial = serial
new_certs_dir = .
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
CNF

sign() { # name, subject, alternative names, CA, start, end
    new_key "$1"
    openssl req -new -key "$1.key" -out "$1.csr" -subj "/CN=$2" -addext "subjectAltName=$3"
    openssl ca -batch -notext -config sign.cnf -cert "$4.pem" -keyfile "$4.key" -in "$1.csr" -out "$1.pem" \
        -startdate "$5" -enddate "$6"
}

local_names=DNS:localhost,IP:127.0.0.1,IP:::1
from=$(date -u -d '-1 day' +%Y%m%d%H%M%SZ)
to=$(date -u -d '+30 days' +%Y%m%d%H%M%SZ)
: > index.txt
openssl rand -hex 8 > serial
make_ca ca "test CA"
make_ca otherca "another test CA"
sign server localhost "$local_names" ca "$from" "$to"
sign wrongname other.example DNS:other.example ca "$from" "$to"
sign expired localhost "$local_names" ca 20010101000000Z 20011231235959Z
sign client agent-1 DNS:agent-1 ca "$from" "$to"
sign stranger agent-1 DNS:agent-1 otherca "$from" "$to"
new_key selfsigned
openssl req -x509 -new -key selfsigned.key -out selfsigned.pem -days 30 -subj /CN=localhost \
    -addext "subjectAltName=$local_names"
openssl req -x509 -newkey rsa:2048 -nodes -keyout app.key -out app.pem -days 30 -subj /CN=ml-connector-app
