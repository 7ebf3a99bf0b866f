package view

import "github.com/hanwen/go-fuse/v2/fuse"

// The operations in this file would change the view. On a superblock mounted read-only, as it should be, the kernel
// refuses them before they get here.

// SetAttr implements SETATTR.
func (v *View) SetAttr(<-chan struct{}, *fuse.SetAttrIn, *fuse.AttrOut) fuse.Status {
	return v.refuse(opSetattr)
}

// Mknod implements MKNOD.
func (v *View) Mknod(<-chan struct{}, *fuse.MknodIn, string, *fuse.EntryOut) fuse.Status {
	return v.refuse(opMknod)
}

// Mkdir implements MKDIR.
func (v *View) Mkdir(<-chan struct{}, *fuse.MkdirIn, string, *fuse.EntryOut) fuse.Status {
	return v.refuse(opMkdir)
}

// Unlink implements UNLINK.
func (v *View) Unlink(<-chan struct{}, *fuse.InHeader, string) fuse.Status { return v.refuse(opUnlink) }

// Rmdir implements RMDIR.
func (v *View) Rmdir(<-chan struct{}, *fuse.InHeader, string) fuse.Status { return v.refuse(opRmdir) }

// Rename implements RENAME and RENAME2.
func (v *View) Rename(<-chan struct{}, *fuse.RenameIn, string, string) fuse.Status {
	return v.refuse(opRename)
}

// Link implements LINK.
func (v *View) Link(<-chan struct{}, *fuse.LinkIn, string, *fuse.EntryOut) fuse.Status {
	return v.refuse(opLink)
}

// Symlink implements SYMLINK.
func (v *View) Symlink(<-chan struct{}, *fuse.InHeader, string, string, *fuse.EntryOut) fuse.Status {
	return v.refuse(opSymlink)
}

// Create implements CREATE.
func (v *View) Create(<-chan struct{}, *fuse.CreateIn, string, *fuse.CreateOut) fuse.Status {
	return v.refuse(opCreate)
}

// Tmpfile implements TMPFILE.
func (v *View) Tmpfile(<-chan struct{}, *fuse.CreateIn, *fuse.CreateOut) fuse.Status {
	return v.refuse(opTmpfile)
}

// Writev implements WRITE.
func (v *View) Writev(<-chan struct{}, *fuse.WriteIn, [][]byte) (uint32, fuse.Status) {
	return 0, v.refuse(opWrite)
}

// Fallocate implements FALLOCATE.
func (v *View) Fallocate(<-chan struct{}, *fuse.FallocateIn) fuse.Status {
	return v.refuse(opFallocate)
}

// CopyFileRange implements COPY_FILE_RANGE, which has its target in the view.
func (v *View) CopyFileRange(<-chan struct{}, *fuse.CopyFileRangeIn) (uint32, fuse.Status) {
	return 0, v.refuse(opCopyFileRange)
}

func (v *View) refuse(o op) fuse.Status {
	v.requests.count(o)
	return fuse.EROFS
}
