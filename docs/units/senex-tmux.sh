#!/bin/sh
# The console in a tmux server of its own, named "senex".
#
#   senex-tmux.sh [ARGUMENTS]         starts `senex ARGUMENTS`, or attaches when it runs already
#   senex-tmux.sh serve [ARGUMENTS]   starts it, waits for its end, ends with its exit code (for systemd)
#   senex-tmux.sh stop                ends it in order and waits
#
# No secret is handed to tmux: whoever may ask a tmux server can read its environment. tmux is given only the variables
# named below. The console finds its login in the keyring or in ~/.config/senex/credentials. What only the environment
# can carry (SENEX_MAIL_PASSWORD, SENEX_NOTIFY__URLS, an address with a password in it) goes into
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
environment=$settings/environment

may_be_handed_on() { # NAME VALUE
    case $2 in *://*@*) return 1 ;; esac
    case $1 in
        SENEX_BROKER__URL) ;; # on this machine, without a password
        *[Uu][Rr][Ll]* | *[Pp][Aa][Ss][Ss][Ww]* | *[Tt][Oo][Kk][Ee][Nn]* | *[Ss][Ee][Cc][Rr][Ee][Tt]*) return 1 ;;
        HOME | PATH | SHELL | USER | LOGNAME | LANG | LANGUAGE | LC_* | TZ | TERM | COLORTERM | NO_COLOR | TMPDIR) ;;
        XDG_* | DBUS_SESSION_BUS_ADDRESS | DISPLAY | WAYLAND_DISPLAY | XAUTHORITY | SSH_AUTH_SOCK | TMUX_TMPDIR) ;;
        SSL_CERT_FILE | SSL_CERT_DIR | HTTPS_PROXY | https_proxy | NO_PROXY | no_proxy) ;;
        PYTHON_KEYRING_BACKEND | SENEX | CONSOLE | SERVED | SENEX_*) ;;
        *) return 1 ;;
    esac
}

names() { # of the variables of this process
    env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p'
}

on_server() { # tmux with the variables that it may see
    set -- tmux -L "$console" "$@"
    for name in $(names); do
        eval "value=\${$name-}"
        if may_be_handed_on "$name" "$value"; then set -- "$name=$value" "$@"; fi
    done
    env -i "$@"
}

tell_what_stays_behind() { # refuses to start when that would change a setting
    lost=
    for name in $(names); do
        eval "value=\${$name-}"
        if may_be_handed_on "$name" "$value"; then continue; fi
        case $name in
            SENEX_*__*)
                grep -q "^$name=" "$environment" 2> /dev/null && continue
                lost=2
                echo "senex-tmux: $name may hold a password and is not handed on to tmux; write it into" \
                    "$environment (mode 0600), or unset it" >&2
                ;;
            TT_* | SENEX_* | PG*)
                echo "senex-tmux: $name is not handed on to tmux; see docs/operations.md, Secrets" >&2
                ;;
        esac
    done
    [ -z "$lost" ] || exit "$lost"
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
    if [ -e "$environment" ]; then
        if [ -n "$(find "$environment" -perm /177)" ]; then
            echo "senex-tmux: $environment is not its owner's alone; run: chmod 600 '$environment'" >&2
            code=2
        else
            mark=$(printf '\357\273\277') # some editors begin a file with a byte order mark
            while IFS= read -r line || [ -n "$line" ]; do
                line=${line#"$mark"}
                case $line in '' | '#'*) ;; *=*) export "${line?}" ;; esac
            done < "$environment"
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
        tell_what_stays_behind
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
            on_server attach-session -d -t "=$console"
            exit
        fi
        tell_what_stays_behind
        start "" "$@"
        ;;
esac
