#!/bin/sh
# Runs inside the new root, after the packages of all layers are in place.
set -eu
export LC_ALL=C.UTF-8

# The role makes the cluster, on the data disk.
pg_dropcluster 15 main
# Nothing that belongs to one machine may be in an image. Nothing of ours uses this key.
rm -f /etc/ssl/private/ssl-cert-snakeoil.key /etc/ssl/certs/ssl-cert-snakeoil.pem
