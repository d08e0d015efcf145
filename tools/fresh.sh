#!/bin/sh
# fresh.sh [--worktree] [COMMAND...]: makes a bare Debian 12 (debootstrap, minbase), puts a clean copy of this tree into it and
# runs the README's commands there: `make demo` and `make test`, or COMMANDs instead.
#
# The copy holds what HEAD holds; with --worktree, what git would add. Of this machine it gets the settings by which packages
# are reached, and nothing else: sources, keys and proxies of apt, CA certificates, configuration of pip, npm, Maven and Go,
# and the environment variables that belong to these. Its cache folder starts empty. SHOAL_FRESH_KEEP=1 keeps the folder.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/pins.sh"
source_tree=$(dirname "$here")
suite=bookworm

die() { echo "fresh.sh: $*" >&2; exit 1; }
[ "$(id -u)" = 0 ] || die "needs root, for debootstrap and chroot"
PATH=$PATH:/usr/sbin:/sbin

if [ "${1:-}" = --inside ]; then
    # In a mount namespace of our own: whatever is mounted here is gone with us, however we end.
    root=$2
    shift 2
    mount --make-rprivate /
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm" 2>/dev/null || true
    exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM=dumb \
        chroot "$root" sh -c 'set -a; . /etc/fresh.env; set +a; cd /shoal; for c; do echo "== $c"; begun=$(date +%s); sh -c "$c" ||
            { echo "== failed: $c"; exit 1; }; echo "== done in $(($(date +%s) - begun)) s: $c"; done' - "$@"
fi

tree=HEAD
if [ "${1:-}" = --worktree ]; then tree=worktree; shift; fi
[ $# -gt 0 ] || set -- 'make demo' 'make test'

mkdir -p "$SHOAL_CACHE"
root=$(mktemp -d "$SHOAL_CACHE/fresh.XXXXXX")
finish() {
    status=$?
    [ -z "${SHOAL_FRESH_KEEP:-}" ] || { echo "kept: $root" >&2; exit $status; }
    # Mounts were private to the namespace; should one be left all the same, nothing is removed through it.
    if grep -q " $root/" /proc/self/mounts; then
        echo "fresh.sh: something is still mounted under $root; it is left as it is" >&2
    else
        rm -rf --one-file-system "$root"
    fi
    exit $status
}
trap finish EXIT
trap 'rm -f "$root.log"; exit 130' INT
trap 'rm -f "$root.log"; exit 143' TERM
chmod 755 "$root"

# The mirror that this machine itself uses, when it is a Debian of the same suite; else debootstrap's own.
mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' "Codename: $suite" 2>/dev/null |
    awk '{ print $1; exit }')
echo "== debootstrap $suite"
unshare --mount debootstrap --variant=minbase "$suite" "$root" ${mirror:+"$mirror"} >"$root.log" 2>&1 ||
    { tail -5 "$root.log" >&2; die "debootstrap failed; see $root.log"; }
rm -f "$root.log"
echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/fresh" # a folder that is thrown away need not reach the disk

# copy_setting PATH: a file or folder of this machine to the same place inside
copy_setting() {
    [ -e "$1" ] || return 0
    mkdir -p "$root$(dirname "$1")"
    cp -aL "$1" "$root$(dirname "$1")/" 2>/dev/null || true
}
for path in /etc/resolv.conf /etc/hosts /etc/ssl/certs/ca-certificates.crt /usr/local/share/ca-certificates \
    /etc/pip.conf "$HOME/.pip" "$HOME/.config/pip" "$HOME/.npmrc" /usr/etc/npmrc /etc/npmrc \
    "$HOME/.m2/settings.xml" "$HOME/.config/go/env" /etc/apt/auth.conf /etc/apt/auth.conf.d; do
    copy_setting "$path"
done
# Of apt's sources those of Debian itself; another vendor's would make it less bare.
if grep -q -s "Suites:.*$suite" /etc/apt/sources.list.d/debian.sources; then
    copy_setting /etc/apt/sources.list.d/debian.sources
    rm -f "$root/etc/apt/sources.list"
elif grep -q -s "$suite" /etc/apt/sources.list; then
    copy_setting /etc/apt/sources.list
fi
# Of apt's configuration what says how to reach a mirror.
for file in /etc/apt/apt.conf /etc/apt/apt.conf.d/*; do
    [ -f "$file" ] && grep -q -E 'Acquire::(http|https|Check|Retries|ForceIPv)' "$file" || continue
    copy_setting "$file"
done
reaching='[A-Za-z]+_proxy|[A-Z]+_PROXY|PIP_(INDEX_URL|EXTRA_INDEX_URL|CERT|TRUSTED_HOST|DEFAULT_TIMEOUT)'
reaching="$reaching|NPM_CONFIG_[A-Za-z_]+|npm_config_[a-z_]+|NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR)"
reaching="$reaching|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|GOPROXY|GONOSUMDB|CI"
env | grep -E "^($reaching)=" |
    sed "s/'/'\\\\''/g; s/=\(.*\)/='\1'/" >"$root/etc/fresh.env"

mkdir "$root/shoal"
if [ $tree = HEAD ]; then
    git -C "$source_tree" archive HEAD | tar -x -C "$root/shoal"
else
    (cd "$source_tree" && git ls-files -co --exclude-standard -z | tar -c --ignore-failed-read --null -T -) |
        tar -x -C "$root/shoal"
fi

# What the README tells a newcomer to do first where there is no make.
set -- 'apt-get update -qq && apt-get install -y -qq --no-install-recommends make >/dev/null' "$@"
unshare --mount -- "$here/fresh.sh" --inside "$root" "$@"
echo "== fresh: all passed"
