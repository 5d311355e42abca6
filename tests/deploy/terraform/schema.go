// SPDX-License-Identifier: Apache-2.0
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

type schema struct {
	Provider  string
	Resources map[string]*blockSchema
}

type blockSchema struct {
	Arguments map[string]argumentSchema
	Blocks    map[string]*blockSchema
	Computed  []string
	Required  bool
	Many      bool
}

type argumentSchema struct {
	Type     string
	Required bool
}

var types = map[string]cty.Type{
	"string":       cty.String,
	"number":       cty.Number,
	"bool":         cty.Bool,
	"list(string)": cty.List(cty.String),
	"list(number)": cty.List(cty.Number),
	"map(string)":  cty.Map(cty.String),
}

func readSchema(file string) (*schema, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	read := &schema{}
	return read, json.Unmarshal(text, read)
}

// has says whether a resource has that attribute, its own or computed.
func (b *blockSchema) has(name string) bool {
	_, argument := b.Arguments[name]
	_, block := b.Blocks[name]
	for _, computed := range b.Computed {
		argument = argument || computed == name
	}
	return argument || block || name == "id"
}

// What every resource may have besides its schema.
var metaArguments = map[string]bool{"count": true, "for_each": true, "depends_on": true, "provider": true}

// checkBody holds a block of a resource against its schema; with top, meta-arguments may be there.
func (b *blockSchema) checkBody(body *hclsyntax.Body, what string, top bool) error {
	for name, attribute := range body.Attributes {
		if top && metaArguments[name] {
			continue
		}
		argument, known := b.Arguments[name]
		if !known {
			return at(attribute.SrcRange, "%s has no argument %s", what, name)
		}
		if err := argument.checkConstant(attribute, what); err != nil {
			return err
		}
	}
	for name, argument := range b.Arguments {
		if argument.Required && body.Attributes[name] == nil {
			return at(body.SrcRange, "%s lacks the argument %s", what, name)
		}
	}
	return b.checkBlocks(body, what, top)
}

// A constant is known without the rest of the module.
func (a argumentSchema) checkConstant(attribute *hclsyntax.Attribute, what string) error {
	if len(attribute.Expr.Variables()) > 0 {
		return nil
	}
	value, problems := attribute.Expr.Value(constants)
	if problems.HasErrors() {
		return problems
	}
	if _, err := a.convert(value); err != nil {
		return at(attribute.SrcRange, "%s: %s: %s", what, attribute.Name, err)
	}
	return nil
}

func (a argumentSchema) convert(value cty.Value) (cty.Value, error) {
	if a.Required && value.IsNull() {
		return value, fmt.Errorf("is required, and null")
	}
	return convert.Convert(value, types[a.Type])
}

func (b *blockSchema) checkBlocks(body *hclsyntax.Body, what string, top bool) error {
	counts := map[string]int{}
	for _, block := range body.Blocks {
		name, inner := block.Type, block.Body
		if name == "dynamic" {
			var err error
			if name, inner, err = dynamicBlock(block); err != nil {
				return err
			}
		} else {
			counts[name]++
		}
		if top && name == "lifecycle" {
			continue
		}
		nested, known := b.Blocks[name]
		if !known {
			return at(block.DefRange(), "%s has no block %s", what, name)
		}
		if counts[name] > 1 && !nested.Many {
			return at(block.DefRange(), "%s has one block %s at most", what, name)
		}
		if err := nested.checkBody(inner, what+"."+name, false); err != nil {
			return err
		}
	}
	for name, nested := range b.Blocks {
		if nested.Required && counts[name] == 0 {
			return at(body.SrcRange, "%s lacks the block %s", what, name)
		}
	}
	return nil
}

// dynamicBlock is the name and the content of dynamic "NAME" { for_each = ...; content { ... } }.
func dynamicBlock(block *hclsyntax.Block) (string, *hclsyntax.Body, error) {
	if len(block.Labels) != 1 || block.Body.Attributes["for_each"] == nil || len(block.Body.Blocks) != 1 ||
		block.Body.Blocks[0].Type != "content" {
		return "", nil, at(block.DefRange(), "a dynamic block has a label, for_each and content")
	}
	return block.Labels[0], block.Body.Blocks[0].Body, nil
}
