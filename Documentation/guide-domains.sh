queztl fabric add lan
queztl port add web0 lan mac 52:54:00:00:00:01 for vm
queztl port add db0 lan mac 52:54:00:00:00:02 for vm
queztl port xml web0 | virsh attach-device web /dev/stdin --config
queztl port xml db0 | virsh attach-device db /dev/stdin --config
virsh start web
virsh start db
queztl save /etc/queztl/host.conf
