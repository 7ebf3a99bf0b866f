package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/casview/casview/config"
)

func (a *app) configCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Show and check the configuration",
		Long: `Show and check the configuration: the file named by --config, else
` + config.DefaultPath() + `. Where that is missing the defaults hold.`,
	}
	cmd.AddCommand(a.configDefaultCmd(), a.configCheckCmd(), a.configDumpCmd())
	return group(cmd)
}

func (a *app) configDefaultCmd() *cobra.Command {
	return &cobra.Command{
		Use:               "default",
		Short:             "Print a configuration file with every key, its default and what it means",
		Example:           `  casview config default > ` + config.DefaultPath(),
		Args:              args(0, 0),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprint(a.out, config.DefaultTOML())
			return err
		},
	}
}

func (a *app) configCheckCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Check the configuration",
		Long: `Check the configuration. Prints nothing and exits with 0 when it is good; else prints
file, line and cause and exits with 1.`,
		Args:              args(0, 0),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			_, err := a.config()
			return err
		},
	}
}

func (a *app) configDumpCmd() *cobra.Command {
	return &cobra.Command{
		Use:               "dump",
		Short:             "Print the configuration in force, as TOML",
		Args:              args(0, 0),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			c, err := a.config()
			if err != nil {
				return err
			}
			text, err := c.TOML()
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(a.out, text)
			return err
		},
	}
}
