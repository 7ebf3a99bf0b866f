package doctor

// hostSymptoms are those of kernel, devices and installation.
func hostSymptoms() []symptom {
	return []symptom{
		{name: "AllOfIt", id: Programs, status: OK, what: "v9.9.9-test"},
		{name: "DaemonMissing", host: `cp -r $BIN $T/bin; rm $T/bin/casview-fsd; CASVIEW=$T/bin/casview`, id: Programs, status: Broken, what: "casview-fsd: no such file"},
		{name: "HookNotExecutable", host: `cp -r $BIN $T/bin; chmod 644 $T/bin/casview-hook; CASVIEW=$T/bin/casview`, id: Programs, status: Broken, what: "may not be executed"},
		{name: "HookOfAnotherVersion", host: `cp -r $BIN $T/bin; cp $OLD/casview-hook $T/bin; CASVIEW=$T/bin/casview`, id: Programs, status: Degraded, what: "v0.0.1"},
		{name: "NoConfiguration", host: `rm $T/config.toml`, id: Config, status: Broken, what: "config.toml"},
		{name: "UnknownKey", config: "colour = 1\n", id: Config, status: Broken, what: "config.toml:2"},
		{name: "ConfigurationLoads", id: Config, status: OK, what: "config.toml loads"},

		{name: "FuseDeviceForRootOnly", user: true, host: `mknod $T/fuse c 10 229; chmod 600 $T/fuse; mount --bind $T/fuse /dev/fuse`,
			id: FuseDevice, status: Broken, what: "mode 0600", mends: true},
		{name: "FuseDeviceIsAnother", host: `mount --bind /dev/null /dev/fuse`, id: FuseDevice, status: Broken, what: "not the FUSE device"},
		{name: "NoFuseDevice", host: `mount -t tmpfs tmpfs /dev; mknod /dev/null c 1 3`, id: FuseDevice, status: Broken, what: "no such file", mends: true},
		{name: "FuseDevice", host: `mknod $T/fuse c 10 229; chmod 666 $T/fuse; mount --bind $T/fuse /dev/fuse`, user: true, id: FuseDevice, status: OK, what: "mode 0666"},
		{name: "NoFuse", host: `mount --bind /dev/null /dev/fuse`, id: FuseFilesystem, status: Broken, what: "invalid argument"},
		{name: "FuseForUsers", host: `mknod $T/fuse c 10 229; chmod 666 $T/fuse; mount --bind $T/fuse /dev/fuse`, user: true, id: FuseFilesystem, status: OK, what: "can be mounted"},
		{name: "PassthroughForUsers", host: `mknod $T/fuse c 10 229; chmod 666 $T/fuse; mount --bind $T/fuse /dev/fuse`, user: true,
			config: "[staging]\ndata = \"passthrough\"\n", id: FusePassthrough, status: Degraded, what: "passthrough"},
		{name: "PassthroughNotAskedFor", host: `mknod $T/fuse c 10 229; chmod 666 $T/fuse; mount --bind $T/fuse /dev/fuse`, user: true, id: FusePassthrough, status: OK, what: "nothing here asks for it"},
		{name: "PassthroughWithoutFuse", host: `mount --bind /dev/null /dev/fuse`, id: FusePassthrough, status: Skipped, what: "no FUSE"},

		{name: "NoFsopen", without: "fsopen", id: MountAPI, status: Broken, what: "fsopen: function not implemented"},
		{name: "NoRightToMount", host: `AS='setpriv --bounding-set -sys_admin --'`, id: MountAPI, status: Broken, what: "no mount namespace can be made"},
		{name: "MountAPI", user: true, id: MountAPI, status: OK, what: "move_mount"},
		{name: "NoOpenat2", without: "openat2", id: Openat2, status: Broken, what: "function not implemented"},
		{name: "Openat2", id: Openat2, status: OK},
		{name: "NoLandlock", without: "landlock_create_ruleset", id: Landlock, status: Degraded, what: "function not implemented"},

		{name: "Landlock", id: Landlock, status: OK, what: "Landlock version"},

		{name: "NoUserNamespacesForRoot", without: "userns", id: UserNamespaces, status: Degraded, what: "no space left"},
		{name: "NoUserNamespacesForUsers", without: "userns", user: true, id: UserNamespaces, status: Broken, what: "no space left"},
		{name: "NoTrialsWithoutUserNamespaces", without: "userns", user: true, id: MountAPI, status: Skipped, what: "could not be tried"},
		{name: "NoUserNamespacesLeft", host: `fake limit 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"'; AS="unshare --user --map-user=4242 --keep-caps limit"`,
			id: UserNamespaces, status: Broken, what: "user.max_user_namespaces = 0"},
		{name: "InsideOfAUserNamespace", host: `AS='unshare --user --map-root-user --mount'`, id: UserNamespaces, status: OK, what: "inside of a user namespace"},
		{name: "UserNamespaces", user: true, id: UserNamespaces, status: OK, what: "can be made"},
		{name: "NoOverlayInUserNamespaces", without: "overlay", user: true, id: OverlayUserns, status: Degraded, what: "operation not permitted"},
		{name: "NoOverlayInUserNamespacesForRoot", without: "overlay", id: OverlayUserns, status: Degraded, what: "operation not permitted"},
		{name: "OverlayInUserNamespaces", user: true, id: OverlayUserns, status: OK, what: "can be mounted"},

		{name: "NoNewuidmap", user: true, host: `mkdir $T/few; P=$T/few`,
			id: IDMapTools, status: Degraded, what: "is not installed"},
		{name: "NewuidmapWithoutSetuid", user: true, host: `cp $(command -v newuidmap) $T/nm; chmod 755 $T/nm; mount --bind $T/nm $(command -v newuidmap)`,
			id: IDMapTools, status: Degraded, what: "neither setuid", mends: true},
		{name: "NewuidmapWithCapability", user: true, host: `cp $(command -v newuidmap) $T/nm; chmod 755 $T/nm; setcap cap_setuid+ep $T/nm; mount --bind $T/nm $(command -v newuidmap)`,
			id: IDMapTools, status: OK, what: "may map ids"},
		{name: "NewuidmapForRoot", id: IDMapTools, status: Skipped, what: "root's engines need none"},
		{name: "NoSubordinateIDs", user: true, host: `: > /etc/subuid`, id: SubordinateIDs, status: Degraded, what: "/etc/subuid has no range for doc", mends: true},
		{name: "NoSubordinateGroups", user: true, host: `rm /etc/subgid`, id: SubordinateIDs, status: Degraded, what: "/etc/subgid has no range for doc"},
		{name: "FewSubordinateIDs", user: true, host: `echo 4242:200000:1000 > /etc/subuid`, id: SubordinateIDs, status: Degraded, what: "only 1000 ids"},
		{name: "SubordinateIDsInTwoRanges", user: true, host: `printf 'doc:200000:32768\nother:1:9\n4242:300000:32768\n' > /etc/subuid`, id: SubordinateIDs, status: OK},
		{name: "UserWithoutAName", user: true, host: `sed -i /^doc:/d /etc/passwd`, id: SubordinateIDs, status: Skipped, what: "no name"},
	}
}

// stateSymptoms are those of the state directory.
func stateSymptoms() []symptom {
	const small = `rmdir $STATE; mkdir $STATE; `
	return []symptom{
		{name: "WillBeMade", host: `rmdir $STATE`, id: StateDirectory, status: OK, what: "will be made"},
		{name: "ParentNotWritable", user: true, host: `rmdir $STATE`, id: StateDirectory, status: Broken, what: "can't make it", mends: true},
		{name: "NotWritable", user: true, host: `chown 4242 $STATE; mount --bind $STATE $STATE; mount -o remount,bind,ro $STATE`, id: StateDirectory, status: Broken, what: "read-only", mends: true},
		{name: "SomebodyElses", user: true, host: `rmdir $STATE; mkdir $T/other; mount --bind $T/other $T/home; sed -i "s|$STATE|$T/other|" $T/config.toml; chmod 700 $T/other; chown() { :; }`,
			id: StateDirectory, status: Broken, what: "can't write"},
		{name: "IsAFile", host: `rmdir $STATE; : > $STATE`, id: StateDirectory, status: Broken, what: "is not a directory"},
		{name: "NothingMoreIsSaidOfIt", host: `rmdir $STATE; : > $STATE`, id: StateRoom, status: Skipped, what: "can't be used"},

		{name: "OnTmpfs", host: `mount -t tmpfs tmpfs $STATE`, id: StateFilesystem, status: Degraded, what: "tmpfs"},
		{name: "OnXFS", host: `truncate -s 320M $T/img; mkfs.xfs -q $T/img; mount -o loop $T/img $STATE`, id: StateFilesystem, status: OK, what: "xfs"},
		{name: "OnOverlayfs", host: `mkdir $T/u $T/w; mount -t overlay overlay -o lowerdir=$BIN,upperdir=$T/u,workdir=$T/w $STATE`, id: StateFilesystem, status: Degraded, what: "overlayfs"},
		{name: "NoOverlayOnOverlayfs", host: `mkdir $T/u $T/w; mount -t overlay overlay -o lowerdir=$BIN,upperdir=$T/u,workdir=$T/w $STATE`, id: StateOverlay, status: Degraded, what: "overlayfs over the state directory"},
		{name: "OnlyOverlayOnOverlayfs", host: `mkdir $T/u $T/w; mount -t overlay overlay -o lowerdir=$BIN,upperdir=$T/u,workdir=$T/w $STATE`, config: "[staging]\ndriver = \"overlay\"\n",
			id: StateOverlay, status: Broken, what: "overlayfs over the state directory"},
		{name: "OverlayNotAskedFor", config: "[staging]\ndriver = \"fuse\"\n", id: StateOverlay, status: Skipped, what: "none is needed"},
		{name: "OverlayForUsers", user: true, id: StateOverlay, status: OK},

		{name: "StoreOnAnotherMount", host: `mkdir $STATE/store $STATE/runs; mount -t tmpfs tmpfs $STATE/store`, id: StateOneFilesystem, status: Degraded, what: "different mounts"},
		{name: "StoreOnABindMount", host: `mkdir $STATE/store $STATE/runs; mount --bind $STATE/store $STATE/store`, id: StateOneFilesystem, status: Degraded, what: "different mounts"},
		{name: "StoreBesideRuns", host: `mkdir $STATE/store $STATE/runs`, id: StateOneFilesystem, status: OK},

		{name: "Reflinks", host: `truncate -s 320M $T/img; mkfs.xfs -q -m reflink=1 $T/img; mount -o loop $T/img $STATE`, id: StateReflink, status: OK, what: "reflinks work"},
		{name: "NoReflinks", host: `mount -t tmpfs tmpfs $STATE`, id: StateReflink, status: OK, what: "no reflinks"},

		{name: "NoRoom", host: `mount -t tmpfs -o size=512k tmpfs $STATE`, id: StateRoom, status: Broken, what: "0 MiB free"},
		{name: "LittleRoom", host: `mount -t tmpfs -o size=100m tmpfs $STATE`, id: StateRoom, status: Degraded, what: "MiB free"},
		{name: "NoInodes", host: small + `truncate -s 16M $T/img; mkfs.ext4 -q -N 32 $T/img; mount -o loop $T/img $STATE; for i in $(seq 100); do : > $STATE/$i || break; done 2>/dev/null`,
			id: StateRoom, status: Broken, what: " 0 inodes free"},
		{name: "Room", host: `mount -t tmpfs -o size=2g,nr_inodes=100k tmpfs $STATE`, id: StateRoom, status: OK, what: "inodes free"},
	}
}
