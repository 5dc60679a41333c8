#!/bin/sh
# Runs the occurrence of the weekly campaign that is due:  weekly_vip.sh [TIME]
#
# The week is that of the latest Monday 10:00 at or before TIME (default: now), on the campaign's own
# clock. So whoever starts it, however late and however often, means the same occurrence. TIME repeats
# an earlier one: weekly_vip.sh '2026-11-18 12:00'. Needs GNU date.
set -eu

home=${SMSKIT_HOME:-$(cd "$(dirname "$0")/../.." && pwd)}  # the checkout
bin=${SMSKIT_BIN:-$home/.venv/bin}                         # the environment smskit is installed in
if [ -n "${SMSKIT_ENV_FILE:-}" ]; then  # credentials 密钥: a file only its owner may read
    set -a
    . "$SMSKIT_ENV_FILE"
    set +a
fi

export TZ=Asia/Shanghai
day=$(date -d "${1:-now} 10 hours ago" +%F)  # before Monday 10:00 this is still the week before
monday=$(date -d "$day $(($(date -d "$day" +%u) - 1)) days ago" +%F)
week=$(date -d "$monday" +%G-W%V)
unset TZ

cd "$home"
exec "$bin/smskit" run "${SMSKIT_CAMPAIGN_FILE:-examples/weekly_vip/campaign.yaml}" \
    --occurrence "$week" --not-after "${monday}T12:00"
