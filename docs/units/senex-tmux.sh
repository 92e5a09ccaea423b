#!/bin/sh
# The console in a tmux server of its own, named "senex".
#
#   senex-tmux.sh [ARGUMENTS]         starts `senex ARGUMENTS`, or attaches when it runs already
#   senex-tmux.sh serve [ARGUMENTS]   starts it, waits for its end, ends with its exit code (for systemd)
#   senex-tmux.sh stop                ends it in order and waits
#
# No secret is handed to tmux: whoever may ask a tmux server can read its environment. The console finds its login in
# the keyring or in ~/.config/senex/credentials. What only the environment can carry (SENEX_MAIL_PASSWORD) goes into
# ~/.config/senex/environment, lines of NAME=value, mode 0600: it is read behind tmux, by the console's own process.
#
# SENEX: the command, else ~/senex/.venv/bin/senex.   CONSOLE: the name of server and session, else senex.
set -eu
umask 077

senex=${SENEX:-$HOME/senex/.venv/bin/senex}
console=${CONSOLE:-senex}
script=$(readlink -f -- "$0")
settings=${XDG_CONFIG_HOME:-$HOME/.config}/senex
state=${XDG_STATE_HOME:-$HOME/.local/state}/senex
ended=$state/$console.exit-code

on_server() {
    env -u TMUX -u TMUX_PANE tmux -L "$console" "$@"
}

keep_secrets_from_tmux() {
    for name in $(env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p'); do
        eval "value=\${$name-}"
        case $name in
            TT_SECRET | TT_REFRESH | *PASSWORD* | *PASSWD* | *SECRET* | *TOKEN*) ;;
            *) case $value in *://*:*@*) ;; *) continue ;; esac ;;
        esac
        unset "$name"
        case $name in
            TT_* | SENEX_*) echo "senex-tmux: $name is not handed on to tmux; see docs/operations.md, Secrets" >&2 ;;
        esac
    done
    unset value
}

start() { # how tmux starts it, then the arguments of senex
    how=$1
    shift
    mkdir -p "$state"
    rm -f "$ended"
    # shellcheck disable=SC2086
    on_server new-session $how -s "$console" -x 200 -y 55 -- \
        env SENEX="$senex" CONSOLE="$console" "$script" behind-tmux "$@"
}

pane() { # the process in the console's window, nothing when there is none
    on_server list-panes -s -t "=$console" -F '#{pane_pid}' 2> /dev/null | head -n 1
}

until_gone() {
    while [ -n "$1" ] && kill -0 "$1" 2> /dev/null; do sleep 1; done
}

behind_tmux() {
    if [ -e "$settings/environment" ]; then
        if [ -n "$(find "$settings/environment" -perm /177)" ]; then
            echo "senex-tmux: $settings/environment is not its owner's alone; run: chmod 600 '$settings/environment'" >&2
            code=2
        else
            while IFS= read -r line || [ -n "$line" ]; do
                case $line in '' | '#'*) ;; *=*) export "${line?}" ;; esac
            done < "$settings/environment"
        fi
    fi
    if [ -z "${code-}" ]; then
        # What ends the window is the console's to answer: it then ends in order, and this one waits for it.
        for name in HUP TERM INT; do
            # shellcheck disable=SC2064
            trap "kill -s $name \"\$child\" 2> /dev/null || :" "$name"
        done
        exec 3<&0
        "$senex" "$@" <&3 3<&- &
        child=$!
        code=0
        wait "$child" || code=$?
        while kill -0 "$child" 2> /dev/null; do # the wait was cut short by a signal
            code=0
            wait "$child" || code=$?
        done
    fi
    echo "$code" > "$ended"
    if [ "$code" -ne 0 ] && [ -t 1 ] && [ -z "${SERVED-}" ]; then
        echo "The console ended with $code; Enter closes this window."
        read -r _ || :
    fi
}

[ "${1-}" = behind-tmux ] || keep_secrets_from_tmux
case ${1-} in
    behind-tmux)
        shift
        behind_tmux "$@"
        ;;
    serve)
        shift
        if on_server has-session -t "=$console" 2> /dev/null; then
            echo "senex-tmux: a console runs there already; attach with: tmux -L $console attach -d" >&2
            exit 2
        fi
        SERVED=1
        export SERVED
        process=$(start '-d -P -F #{pane_pid}' "$@")
        until_gone "$process"
        read -r code 2> /dev/null < "$ended" || code=1 # killed: nothing was written
        exit "$code"
        ;;
    stop)
        process=$(pane)
        [ -n "$process" ] || exit 0
        kill -s TERM "$process"
        until_gone "$process"
        ;;
    *)
        if on_server has-session -t "=$console" 2> /dev/null; then
            exec env -u TMUX -u TMUX_PANE tmux -L "$console" attach-session -d -t "=$console"
        fi
        start "" "$@"
        ;;
esac
