package view

import (
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/casview/casview/fsd/ops"
)

// The operations in this file would change the view. On a superblock mounted read-only, as it should be, the kernel
// refuses them before they get here.

// SetAttr implements SETATTR.
func (v *View) SetAttr(<-chan struct{}, *fuse.SetAttrIn, *fuse.AttrOut) fuse.Status {
	return v.refuse(ops.Setattr)
}

// Mknod implements MKNOD.
func (v *View) Mknod(<-chan struct{}, *fuse.MknodIn, string, *fuse.EntryOut) fuse.Status {
	return v.refuse(ops.Mknod)
}

// Mkdir implements MKDIR.
func (v *View) Mkdir(<-chan struct{}, *fuse.MkdirIn, string, *fuse.EntryOut) fuse.Status {
	return v.refuse(ops.Mkdir)
}

// Unlink implements UNLINK.
func (v *View) Unlink(<-chan struct{}, *fuse.InHeader, string) fuse.Status {
	return v.refuse(ops.Unlink)
}

// Rmdir implements RMDIR.
func (v *View) Rmdir(<-chan struct{}, *fuse.InHeader, string) fuse.Status { return v.refuse(ops.Rmdir) }

// Rename implements RENAME and RENAME2.
func (v *View) Rename(<-chan struct{}, *fuse.RenameIn, string, string) fuse.Status {
	return v.refuse(ops.Rename)
}

// Link implements LINK.
func (v *View) Link(<-chan struct{}, *fuse.LinkIn, string, *fuse.EntryOut) fuse.Status {
	return v.refuse(ops.Link)
}

// Symlink implements SYMLINK.
func (v *View) Symlink(<-chan struct{}, *fuse.InHeader, string, string, *fuse.EntryOut) fuse.Status {
	return v.refuse(ops.Symlink)
}

// Create implements CREATE.
func (v *View) Create(<-chan struct{}, *fuse.CreateIn, string, *fuse.CreateOut) fuse.Status {
	return v.refuse(ops.Create)
}

// Tmpfile implements TMPFILE.
func (v *View) Tmpfile(<-chan struct{}, *fuse.CreateIn, *fuse.CreateOut) fuse.Status {
	return v.refuse(ops.Tmpfile)
}

// Writev implements WRITE.
func (v *View) Writev(<-chan struct{}, *fuse.WriteIn, [][]byte) (uint32, fuse.Status) {
	return 0, v.refuse(ops.Write)
}

// Fallocate implements FALLOCATE.
func (v *View) Fallocate(<-chan struct{}, *fuse.FallocateIn) fuse.Status {
	return v.refuse(ops.Fallocate)
}

// CopyFileRange implements COPY_FILE_RANGE, which has its target in the view.
func (v *View) CopyFileRange(<-chan struct{}, *fuse.CopyFileRangeIn) (uint32, fuse.Status) {
	return 0, v.refuse(ops.CopyFileRange)
}

func (v *View) refuse(o ops.Op) fuse.Status {
	v.requests.Count(o)
	return fuse.EROFS
}
