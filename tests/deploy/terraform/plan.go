// SPDX-License-Identifier: Apache-2.0
package main

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// plan evaluates a module: each thing when something first refers to it.
type plan struct {
	schema  *schema
	module  *module
	prefix  string // of addresses: "module.events."
	early   bool   // nothing is there yet: what AWS will say is unknown
	given   map[string]cty.Value
	known   map[string]cty.Value
	begun   map[string]bool
	planned []resource
	calls   map[string]*plan
}

type resource struct {
	Address string          `json:"address"`
	Type    string          `json:"type"`
	Values  json.RawMessage `json:"values"`
}

type document struct {
	Resources []resource                 `json:"resources"`
	Outputs   map[string]json.RawMessage `json:"outputs"`
}

func newPlan(schema *schema, module *module) *plan {
	return &plan{schema, module, "", false, map[string]cty.Value{}, map[string]cty.Value{}, map[string]bool{}, nil, map[string]*plan{}}
}

// set gives a variable a value: an expression, where it is one without references, else a string.
func (p *plan) set(name, text string) error {
	if p.module.variables[name] == nil {
		return fmt.Errorf("there is no var.%s", name)
	}
	p.given[name] = cty.StringVal(text)
	expression, problems := hclsyntax.ParseExpression([]byte(text), name, hcl.InitialPos)
	if !problems.HasErrors() {
		if value, wrong := expression.Value(constants); !wrong.HasErrors() {
			p.given[name] = value
		}
	}
	return nil
}

// document evaluates twice: as Terraform has to before anything is there, and as if all were.
func (p *plan) document() (*document, error) {
	before := newPlan(p.schema, p.module)
	before.early, before.given = true, p.given
	if _, err := before.all(); err != nil {
		return nil, err
	}
	outputs, err := p.all()
	if err != nil {
		return nil, err
	}
	made := &document{p.resources(), map[string]json.RawMessage{}}
	for name, value := range outputs {
		if made.Outputs[name], err = encode(value); err != nil {
			return nil, err
		}
	}
	return made, nil
}

// resources are those of the module and of all that it calls, by address.
func (p *plan) resources() []resource {
	all := append([]resource{}, p.planned...)
	for _, call := range p.calls {
		all = append(all, call.resources()...)
	}
	sort.Slice(all, func(a, b int) bool { return all[a].Address < all[b].Address })
	return all
}

// all evaluates everything, and returns the outputs.
func (p *plan) all() (map[string]cty.Value, error) {
	for name := range p.module.variables {
		if _, err := p.get("var." + name); err != nil {
			return nil, err
		}
	}
	for name := range p.module.locals {
		if _, err := p.get("local." + name); err != nil {
			return nil, err
		}
	}
	for address := range p.module.resources {
		if _, err := p.get(address); err != nil {
			return nil, err
		}
	}
	for name := range p.module.calls {
		if _, err := p.get("module." + name); err != nil {
			return nil, err
		}
	}
	outputs := map[string]cty.Value{}
	for name, block := range p.module.outputs {
		value, err := p.evaluate(block.Body.Attributes["value"].Expr, nil)
		if err != nil {
			return nil, err
		}
		outputs[name] = value
	}
	return outputs, nil
}

// get is the value of var.X, local.X, module.X, TYPE.NAME or data.TYPE.NAME.
func (p *plan) get(address string) (cty.Value, error) {
	if value, done := p.known[address]; done {
		return value, nil
	}
	if p.begun[address] {
		return cty.NilVal, fmt.Errorf("%s%s depends on itself", p.prefix, address)
	}
	p.begun[address] = true
	value, err := p.compute(address)
	p.known[address] = value
	return value, err
}

func (p *plan) compute(address string) (cty.Value, error) {
	kind, name, _ := strings.Cut(address, ".")
	switch {
	case kind == "var" && p.module.variables[name] != nil:
		return p.variable(name, p.module.variables[name])
	case kind == "local" && p.module.locals[name] != nil:
		return p.evaluate(p.module.locals[name].Expr, nil)
	case kind == "module" && p.module.calls[name] != nil:
		return p.call(name, p.module.calls[name])
	case p.module.resources[address] != nil:
		return p.resource(address, p.module.resources[address])
	}
	return cty.NilVal, fmt.Errorf("there is no %s", address)
}

func (p *plan) variable(name string, block *hclsyntax.Block) (cty.Value, error) {
	kind, defaults, problems := typeexpr.TypeConstraintWithDefaults(block.Body.Attributes["type"].Expr)
	if problems.HasErrors() {
		return cty.NilVal, problems
	}
	value, given := p.given[name]
	if !given {
		attribute := block.Body.Attributes["default"]
		if attribute == nil {
			return cty.NilVal, fmt.Errorf("var.%s is not set", name)
		}
		if value, problems = attribute.Expr.Value(constants); problems.HasErrors() {
			return cty.NilVal, problems
		}
	}
	if defaults != nil && !value.IsNull() {
		value = defaults.Apply(value)
	}
	value, err := convert.Convert(value, kind)
	if err != nil {
		return value, fmt.Errorf("var.%s: %s", name, err)
	}
	own := map[string]cty.Value{"var": cty.ObjectVal(map[string]cty.Value{name: value})}
	for _, nested := range block.Body.Blocks {
		if err := p.condition(nested, own); err != nil {
			return value, err
		}
	}
	return value, nil
}

// condition fails with the error_message when the condition is not true.
func (p *plan) condition(block *hclsyntax.Block, scope map[string]cty.Value) error {
	held, err := p.evaluate(block.Body.Attributes["condition"].Expr, scope)
	if err != nil {
		return err
	}
	if p.early && !held.IsKnown() {
		return nil
	}
	if !held.IsKnown() || held.IsNull() || held.False() {
		message, err := p.evaluate(block.Body.Attributes["error_message"].Expr, scope)
		if err != nil {
			return err
		}
		return at(block.DefRange(), "%s", message.AsString())
	}
	return nil
}

func (p *plan) call(name string, block *hclsyntax.Block) (cty.Value, error) {
	called, err := p.module.called(block)
	if err != nil {
		return cty.NilVal, err
	}
	inner := newPlan(p.schema, called)
	inner.prefix, inner.early = p.prefix+"module."+name+".", p.early
	for argument, attribute := range block.Body.Attributes {
		if argument == "source" || argument == "depends_on" {
			continue
		}
		if inner.given[argument], err = p.evaluate(attribute.Expr, nil); err != nil {
			return cty.NilVal, err
		}
	}
	p.calls[name] = inner
	outputs, err := inner.all()
	return cty.ObjectVal(outputs), err
}

// evaluate gets what the expression refers to, and computes it. scope has what is there besides, and goes before.
func (p *plan) evaluate(expression hclsyntax.Expression, scope map[string]cty.Value) (cty.Value, error) {
	context := &hcl.EvalContext{Functions: functions, Variables: map[string]cty.Value{}}
	tree := map[string]interface{}{}
	for _, traversal := range expression.Variables() {
		words := names(traversal)
		if value, there := scope[words[0]]; there {
			context.Variables[words[0]] = value
			continue
		}
		count := 2
		if words[0] == "data" {
			count = 3
		}
		if len(words) < count {
			return cty.NilVal, at(traversal.SourceRange(), "there is no %s", strings.Join(words, "."))
		}
		value, err := p.get(strings.Join(words[:count], "."))
		if err != nil {
			return cty.NilVal, err
		}
		plant(tree, words[:count], value)
	}
	for name, branch := range tree {
		context.Variables[name] = grow(branch)
	}
	value, problems := expression.Value(context)
	if problems.HasErrors() {
		return value, problems
	}
	return value, nil
}

func plant(tree map[string]interface{}, words []string, value cty.Value) {
	if len(words) == 1 {
		tree[words[0]] = value
		return
	}
	if tree[words[0]] == nil {
		tree[words[0]] = map[string]interface{}{}
	}
	plant(tree[words[0]].(map[string]interface{}), words[1:], value)
}

func grow(branch interface{}) cty.Value {
	if value, is := branch.(cty.Value); is {
		return value
	}
	members := map[string]cty.Value{}
	for name, inner := range branch.(map[string]interface{}) {
		members[name] = grow(inner)
	}
	return cty.ObjectVal(members)
}

func encode(value cty.Value) (json.RawMessage, error) {
	value, err := cty.Transform(value, func(_ cty.Path, part cty.Value) (cty.Value, error) {
		if !part.IsKnown() {
			return cty.NullVal(part.Type()), nil
		}
		return part, nil
	})
	if err != nil {
		return nil, err
	}
	return ctyjson.Marshal(value, value.Type())
}
