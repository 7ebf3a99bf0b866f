// Package inside is what the benchmark does in a container: tasks that time their own steps, so that starting the container
// is in no figure, and that check what they see, so that a figure of something broken is an error.
//
//	task      what there is to do, as JSON from the benchmark
//	report    what a task says: seconds of each step
//	content   what files hold, known from their number
//	raw       system calls without the Go scheduler
//	read, walk, large, files, write, command, digest
//	          the tasks
package inside
