#compdef queztl
# The words are those of bash's completion.

local -a found
found=(${(f)"$(bash -c '. @bash@ && COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) && _queztl && printf "%s\n" "${COMPREPLY[@]}"' \
	bash "${(@)words[1,CURRENT]}" 2>/dev/null)"})
compadd -a found
