// SPDX-License-Identifier: Apache-2.0

// tfcheck refuses wrong Terraform modules without Terraform, its providers and a cloud:
//
//	tfcheck format DIR                          files that `terraform fmt` would change
//	tfcheck check SCHEMA DIR                    syntax, arguments, types of constants, references, what is unused
//	tfcheck plan SCHEMA DIR [NAME=VALUE...]     what there would be, as JSON; validations and preconditions are held
//
// SCHEMA is provider.json. A plan is for account 000000000000 in us-east-1.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2/hclwrite"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	switch {
	case len(arguments) == 2 && arguments[0] == "format":
		return checkFormat(arguments[1])
	case len(arguments) == 3 && arguments[0] == "check":
		return checkModule(arguments[1], arguments[2])
	case len(arguments) >= 3 && arguments[0] == "plan":
		return printPlan(arguments[1], arguments[2], arguments[3:])
	}
	return fmt.Errorf("usage: tfcheck format DIR | check SCHEMA DIR | plan SCHEMA DIR [NAME=VALUE...]")
}

func checkFormat(folder string) error {
	files, err := filepath.Glob(filepath.Join(folder, "*.tf"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("%s: no .tf file", folder)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if !bytes.Equal(text, hclwrite.Format(text)) {
			return fmt.Errorf("%s: terraform fmt would change it", file)
		}
	}
	return nil
}

func checkModule(schemaFile, folder string) error {
	schema, err := readSchema(schemaFile)
	if err != nil {
		return err
	}
	module, err := readModule(folder)
	if err != nil {
		return err
	}
	return newChecker(schema, module).check()
}

func printPlan(schemaFile, folder string, settings []string) error {
	schema, err := readSchema(schemaFile)
	if err != nil {
		return err
	}
	module, err := readModule(folder)
	if err != nil {
		return err
	}
	plan := newPlan(schema, module)
	for _, setting := range settings {
		name, text, _ := strings.Cut(setting, "=")
		if err := plan.set(name, text); err != nil {
			return err
		}
	}
	document, err := plan.document()
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	return encoder.Encode(document)
}
