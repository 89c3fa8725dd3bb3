module=$(/sbin/modinfo -n queztl)
case $module in *.xz) sudo unxz "$module" ;; esac
sudo "/lib/modules/$(uname -r)/build/scripts/sign-file" sha256 /var/lib/dkms/mok.key /var/lib/dkms/mok.pub "${module%.xz}"
sudo depmod
