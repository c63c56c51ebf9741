#!/bin/sh
# Fetch NATS, and nginx with Nchan, with Debian's own tool and signatures, and unpack them into a
# folder: nothing is installed and nothing is started. Only Nchan needs root, once: it insists on
# a folder of nginx's that is named in the program, whatever the configuration says.
#
# usage: unpack_debian.sh FOLDER
set -eu

folder=$1
packages="nats-server nginx libnginx-mod-nchan"

rm -rf "$folder"
mkdir -p "$folder/packages"
cd "$folder/packages"
apt-get download --quiet $packages
for package in *.deb; do
    dpkg-deb --extract "$package" ..
done
dpkg-deb --showformat '${Version}\n' --show libnginx-mod-nchan_*.deb >../nchan.version
mkdir -p /var/lib/nginx || echo "Nchan is left out: run this as root once for its folder" >&2
