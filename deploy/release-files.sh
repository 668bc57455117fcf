#!/bin/sh
# Writes the chart and the manifests of a release to dist/release, with the image
# named by version and digest: release-files.sh v1.2.3 sha256:...
set -eu
version=$1 digest=$2 out=${3:-dist/release}
echo "$version" | grep -Eq '^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$' || { echo "release-files: VERSION must look like v1.2.3, not \"$version\"" >&2; exit 2; }
echo "$digest" | grep -Eq '^sha256:[0-9a-f]{64}$' || { echo "release-files: DIGEST must be sha256: and 64 hex digits, not \"$digest\"" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
rm -rf "$out"
mkdir -p "$out/chart" "$out/manifests"
cp -R "$here/helm/baton-jumpcloud" "$out/chart/"
cp -R "$here/kubernetes/." "$out/manifests/"
chart=$out/chart/baton-jumpcloud
edit() { sed "$2" "$1" > "$1.new" && mv "$1.new" "$1"; }
edit "$chart/Chart.yaml" "s/^version: .*/version: ${version#v}/; s/^appVersion: .*/appVersion: $version/"
edit "$chart/values.yaml" "s/^  digest: \"\"/  digest: $digest/"
edit "$out/manifests/overlays/production/kustomization.yaml" "s/^    newTag: .*/    newTag: $version\\
    digest: $digest/"
tar -czf "$out/baton-jumpcloud-chart-$version.tar.gz" -C "$out/chart" baton-jumpcloud
tar -czf "$out/baton-jumpcloud-manifests-$version.tar.gz" -C "$out/manifests" .
