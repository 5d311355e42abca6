// SPDX-License-Identifier: Apache-2.0
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// module is a folder of .tf files.
type module struct {
	folder    string
	variables map[string]*hclsyntax.Block
	outputs   map[string]*hclsyntax.Block
	resources map[string]*hclsyntax.Block // by TYPE.NAME, or data.TYPE.NAME
	calls     map[string]*hclsyntax.Block // of other modules
	locals    map[string]*hclsyntax.Attribute
	others    []*hclsyntax.Block // terraform, provider
}

func readModule(folder string) (*module, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.tf"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("%s: no .tf file", folder)
	}
	read := &module{folder, map[string]*hclsyntax.Block{}, map[string]*hclsyntax.Block{}, map[string]*hclsyntax.Block{},
		map[string]*hclsyntax.Block{}, map[string]*hclsyntax.Attribute{}, nil}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		parsed, problems := hclsyntax.ParseConfig(text, file, hcl.InitialPos)
		if problems.HasErrors() {
			return nil, problems
		}
		if err := read.add(parsed.Body.(*hclsyntax.Body)); err != nil {
			return nil, err
		}
	}
	return read, nil
}

func (m *module) add(body *hclsyntax.Body) error {
	for name, attribute := range body.Attributes {
		return at(attribute.SrcRange, "%s stands outside of a block", name)
	}
	for _, block := range body.Blocks {
		if err := m.addBlock(block); err != nil {
			return err
		}
	}
	return nil
}

func (m *module) addBlock(block *hclsyntax.Block) error {
	labels := map[string]int{"variable": 1, "output": 1, "resource": 2, "data": 2, "module": 1, "locals": 0, "terraform": 0,
		"provider": 1}
	count, known := labels[block.Type]
	if !known || len(block.Labels) != count {
		return at(block.DefRange(), "there is no such block: %s with %d labels", block.Type, len(block.Labels))
	}
	switch block.Type {
	case "variable":
		return put(m.variables, block.Labels[0], block)
	case "output":
		return put(m.outputs, block.Labels[0], block)
	case "module":
		return put(m.calls, block.Labels[0], block)
	case "resource":
		return put(m.resources, block.Labels[0]+"."+block.Labels[1], block)
	case "data":
		return put(m.resources, "data."+block.Labels[0]+"."+block.Labels[1], block)
	case "locals":
		for name, attribute := range block.Body.Attributes {
			if m.locals[name] != nil {
				return at(attribute.SrcRange, "local.%s is there twice", name)
			}
			m.locals[name] = attribute
		}
		return nil
	}
	m.others = append(m.others, block)
	return nil
}

func put(blocks map[string]*hclsyntax.Block, name string, block *hclsyntax.Block) error {
	if blocks[name] != nil {
		return at(block.DefRange(), "%s %s is there twice", block.Type, name)
	}
	blocks[name] = block
	return nil
}

// called reads the module that a call names.
func (m *module) called(call *hclsyntax.Block) (*module, error) {
	attribute := call.Body.Attributes["source"]
	if attribute == nil {
		return nil, at(call.DefRange(), "a module needs its source")
	}
	source, problems := attribute.Expr.Value(nil)
	if problems.HasErrors() {
		return nil, problems
	}
	return readModule(filepath.Join(m.folder, source.AsString()))
}

func at(place hcl.Range, format string, arguments ...interface{}) error {
	return fmt.Errorf("%s:%d: %s", place.Filename, place.Start.Line, fmt.Sprintf(format, arguments...))
}
