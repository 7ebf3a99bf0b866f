// Package cas owns hashing and the local content-addressed store: how a blob gets into the store whole or not at all, and how
// it is read back. What blobs are called is cas/digest. It knows nothing of trees (cas/tree), views or containers.
//
// On disk a store is a directory of mode 0700:
//
//	blobs/<algorithm>/<first two hex digits>/<64 hex digits>   one blob, mode 0444
//	tmp/                                                       files on their way in, and blobs on their way out
//	trash/                                                     while a collector runs: blobs that it is about to delete
//	gc.lock                                                    held by the one collector
//
// A blob appears by rename, complete and under its own name, and is never written again. Its mtime means nothing (an
// adopted file keeps the one its job gave it). Its ctime says when it was last stored, or found to be there already by an
// insert or by [Local.Keep], give or take an hour: a collector of unused blobs (cas/gc) leaves alone what is a few hours old.
// So whoever stores something that names blobs stores or keeps those first.
//
// Inserts are not durable by themselves: whoever publishes a name for what it stored calls [Local.Sync] once before.
// After a power cut a blob may therefore exist with the wrong size; the next insert of that content replaces it.
package cas
