# The words are those of bash's completion.

function __queztl_words
    set -l current (commandline -ct)
    bash -c '. @bash@ && COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) && _queztl && printf "%s\n" "${COMPREPLY[@]}"' \
        bash (commandline -opc) "$current" 2>/dev/null
end

complete -c queztl -f -a '(__queztl_words)'
