"""netplan adds the lists of all its files up: what gives a bridge's port an address has to go from whichever file says so.

python3 - bare|strip|restore PORT FOLDER: whether nothing gives the port an address (exit 0); take it out, with the files as they
were in FOLDER; put these back, or only what was taken out where somebody changed a file since. Nothing is written where a link
leads, which may be outside /etc/netplan or another of its files: a file stands in the link's place until that is put back.
"""

import glob
import os
import shutil
import sys

import yaml

GIVES = ("addresses", "dhcp4", "dhcp6", "gateway4", "gateway6", "nameservers", "routes", "routing-policy")

# Beside a file in FOLDER that was read through a link: that link.
LINK = ".link"


class Words:
    """YAML as netplan reads it: but for true and false, all is words. PyYAML takes 52:54:00:12:34:56 and 0123 for numbers to another base."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in found if tag.endswith((":bool", ":null", ":merge"))]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


class Loader(Words, yaml.SafeLoader):
    pass


class Dumper(Words, yaml.SafeDumper):
    pass


def load(text):
    return yaml.load(text, Loader) or {}


def dump(settings):
    return yaml.dump(settings, Dumper=Dumper, sort_keys=False)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def port_of(settings, port):
    """What the settings say of the port, to be changed in place."""
    return ((settings.get("network") or {}).get("ethernets") or {}).get(port) or {}


def stripped(text, port):
    """The settings without what gives the port an address; None where they give it none."""
    settings = load(text)
    its = port_of(settings, port)
    given = [key for key in GIVES if its.get(key)]
    if not given:
        return None
    for key in given:
        del its[key]
    return dump(settings)


def merged(text, before, port):
    """The settings with what `before` gave the port, in a file that somebody changed since."""
    settings = load(text)
    ethernets = settings.setdefault("network", {}).setdefault("ethernets", {})
    its = ethernets[port] = ethernets.get(port) or {}
    for key, value in port_of(load(before), port).items():
        its.setdefault(key, value)
    return dump(settings)


def replace(path, text, like):
    """Whole or not at all, with owner and mode of `like`."""
    new = path + ".olympus-new"
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    shutil.copystat(like, new)
    owner = os.stat(like)
    os.chown(new, owner.st_uid, owner.st_gid)
    os.replace(new, path)


def relink(target, path):
    new = path + ".olympus-new"
    if os.path.lexists(new):
        os.remove(new)
    os.symlink(target, new)
    os.replace(new, path)


def main(verb, port, folder):
    # All are read before any is changed: one may be a link to another.
    found = {path: read(path) for path in sorted(glob.glob("/etc/netplan/*.yaml"))}
    giving = {path: text for path, text in found.items() if stripped(text, port) is not None}
    if verb == "bare":
        sys.exit(1 if giving else 0)
    if verb == "strip":
        os.makedirs(folder, mode=0o700, exist_ok=True)
        for path, before in giving.items():
            kept = os.path.join(folder, os.path.basename(path))
            text = stripped(before, port)
            if os.path.islink(path):
                relink(os.readlink(path), kept + LINK)
            # Taken out once before, and given something anew since: what it gave first is not forgotten.
            elif os.path.exists(kept) and read(kept) != before:
                before = merged(before, read(kept), port)
                if os.path.lexists(kept + LINK):
                    os.remove(kept + LINK)
            replace(kept, before, path)
            replace(path, text, kept)
    if verb == "restore" and os.path.isdir(folder):
        for kept in sorted(glob.glob(folder + "/*.yaml")):
            path = os.path.join("/etc/netplan", os.path.basename(kept))
            before = read(kept)
            now = read(path) if os.path.exists(path) else None
            if now in (None, stripped(before, port)):
                target = os.readlink(kept + LINK) if os.path.lexists(kept + LINK) else None
                if target is not None and os.path.exists(os.path.join("/etc/netplan", target)):
                    relink(target, path)
                else:
                    replace(path, before, kept)
            # Somebody's link to what gives the port an address is as they want it.
            elif now != before and not (os.path.islink(path) and path in giving):
                replace(path, merged(now, before, port), path)
                print(f"{path} was changed since: what it gave {port} is put back into it")
            os.remove(kept)
        shutil.rmtree(folder)


main(*sys.argv[1:])
