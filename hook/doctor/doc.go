// Package doctor owns finding out what works on this host and what stands in the way: kernel, state directory, engines and
// their hooks. It tries the real thing wherever that leaves nothing behind, since policies refuse as often as old versions
// do. It needs no root, and says what it could not see without.
package doctor
