package main

import (
	"context"
	"os/signal"
	"syscall"
)

// interruptible ends the context at the first Ctrl-C, so that the command can clean up. The second one kills.
func interruptible(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
