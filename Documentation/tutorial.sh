for name in vm_exits fabric_new allow_pair watch_drops channel_echo; do cc -Wall -o $name $name.c $(pkg-config --cflags --libs libqueztl); done
./vm_exits
./fabric_new prod
queztl port add web0 prod for vm
queztl port add db0 prod for vm
./allow_pair web0 db0
timeout 3 ./watch_drops web0 || test $? = 124
queztl channel allow sums front back
./channel_echo listen sums front & sleep 1
./channel_echo connect sums back 1000
