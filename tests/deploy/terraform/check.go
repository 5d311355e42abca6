// SPDX-License-Identifier: Apache-2.0
package main

import (
	"sort"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// checker holds a module against the schema, and its references against what is there.
type checker struct {
	schema *schema
	module *module
	used   map[string]bool
}

func newChecker(schema *schema, module *module) *checker {
	return &checker{schema, module, map[string]bool{}}
}

// What blocks that are no resource may have.
var plain = map[string]struct{ arguments, blocks, required string }{
	"variable": {"type description default sensitive nullable", "validation", "type description"},
	"output":   {"value description sensitive depends_on", "precondition", "value"},
}
var condition = struct{ arguments, blocks, required string }{"condition error_message", "", "condition error_message"}

func (c *checker) check() error {
	steps := []func() error{c.checkVariables, c.checkOutputs, c.checkResources, c.checkCalls, c.checkLocals, c.checkOthers,
		c.checkUnused}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func checkPlain(block *hclsyntax.Block, rule struct{ arguments, blocks, required string }) error {
	for name, attribute := range block.Body.Attributes {
		if !contains(rule.arguments, name) {
			return at(attribute.SrcRange, "%s has no argument %s", block.Type, name)
		}
	}
	for _, name := range strings.Fields(rule.required) {
		if block.Body.Attributes[name] == nil {
			return at(block.DefRange(), "%s lacks the argument %s", block.Type, name)
		}
	}
	for _, nested := range block.Body.Blocks {
		if !contains(rule.blocks, nested.Type) {
			return at(nested.DefRange(), "%s has no block %s", block.Type, nested.Type)
		}
		if err := checkPlain(nested, condition); err != nil {
			return err
		}
	}
	return nil
}

func contains(words, word string) bool { return strings.Contains(" "+words+" ", " "+word+" ") }

func (c *checker) checkVariables() error {
	for name, block := range c.module.variables {
		if err := checkPlain(block, plain["variable"]); err != nil {
			return err
		}
		if _, _, problems := typeexpr.TypeConstraintWithDefaults(block.Body.Attributes["type"].Expr); problems.HasErrors() {
			return problems
		}
		for _, nested := range block.Body.Blocks {
			before := len(c.used)
			if err := c.checkReferences(nested.Body, nil); err != nil {
				return err
			}
			// A validation speaks of its own variable, which is no use of it.
			if len(c.used) > before+1 || (len(c.used) == before+1 && !c.used["var."+name]) {
				return at(nested.DefRange(), "a validation speaks of its own variable alone")
			}
			delete(c.used, "var."+name)
		}
	}
	return nil
}

func (c *checker) checkOutputs() error {
	for _, block := range c.module.outputs {
		if err := checkPlain(block, plain["output"]); err != nil {
			return err
		}
		if err := c.checkReferences(block.Body, nil); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) checkResources() error {
	for address, block := range c.module.resources {
		kind := strings.TrimSuffix(address, "."+block.Labels[1])
		schema := c.schema.Resources[kind]
		if schema == nil {
			return at(block.DefRange(), "provider %s knows no %s (or provider.json has not got it)", c.schema.Provider, kind)
		}
		if err := schema.checkBody(block.Body, address, true); err != nil {
			return err
		}
		var scope []string
		if block.Body.Attributes["for_each"] != nil {
			scope = append(scope, "each")
		}
		if block.Body.Attributes["count"] != nil {
			scope = append(scope, "count")
		}
		if err := c.checkReferences(block.Body, scope); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) checkCalls() error {
	for name, block := range c.module.calls {
		called, err := c.module.called(block)
		if err != nil {
			return err
		}
		for argument, attribute := range block.Body.Attributes {
			if argument != "source" && argument != "depends_on" && called.variables[argument] == nil {
				return at(attribute.SrcRange, "module %s has no variable %s", name, argument)
			}
		}
		for variable, definition := range called.variables {
			if definition.Body.Attributes["default"] == nil && block.Body.Attributes[variable] == nil {
				return at(block.DefRange(), "module %s lacks its variable %s", name, variable)
			}
		}
		if err := c.checkReferences(block.Body, nil); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) checkLocals() error {
	for _, attribute := range c.module.locals {
		if err := c.checkExpression(attribute.Expr, nil); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) checkOthers() error {
	for _, block := range c.module.others {
		if block.Type == "provider" {
			if err := c.checkReferences(block.Body, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *checker) checkUnused() error {
	for name, block := range c.module.variables {
		if !c.used["var."+name] {
			return at(block.DefRange(), "var.%s is used by nobody", name)
		}
	}
	for name, attribute := range c.module.locals {
		if !c.used["local."+name] {
			return at(attribute.SrcRange, "local.%s is used by nobody", name)
		}
	}
	for address, block := range c.module.resources {
		if strings.HasPrefix(address, "data.") && !c.used[address] {
			return at(block.DefRange(), "%s is used by nobody", address)
		}
	}
	return nil
}

// checkReferences follows what a block's expressions name; scope has what is there besides: each, count, iterators.
func (c *checker) checkReferences(body *hclsyntax.Body, scope []string) error {
	for _, name := range sortedAttributes(body) {
		if name == "providers" || name == "provider" {
			continue
		}
		if err := c.checkExpression(body.Attributes[name].Expr, scope); err != nil {
			return err
		}
	}
	for _, block := range body.Blocks {
		inner := scope
		if block.Type == "dynamic" {
			inner = append(append([]string{}, scope...), block.Labels[0])
		}
		if block.Type == "lifecycle" || block.Type == "precondition" || block.Type == "postcondition" {
			inner = append(append([]string{}, inner...), "self")
		}
		if err := c.checkReferences(block.Body, inner); err != nil {
			return err
		}
	}
	return nil
}

func sortedAttributes(body *hclsyntax.Body) []string {
	var names []string
	for name := range body.Attributes {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func (c *checker) checkExpression(expression hclsyntax.Expression, scope []string) error {
	for _, traversal := range expression.Variables() {
		if err := c.checkTraversal(traversal, scope); err != nil {
			return err
		}
	}
	var wrong error
	hclsyntax.VisitAll(expression, func(node hclsyntax.Node) hcl.Diagnostics {
		if words := throughInstances(node); words != nil && wrong == nil && !contains(strings.Join(scope, " "), words[0]) {
			wrong = c.checkResourceReference(words, node.Range())
		}
		return nil
	})
	return wrong
}

// throughInstances are the words of aws_sqs_queue.this[KEY].arn and of aws_sqs_queue.this[*].arn; of anything else nil.
func throughInstances(node hclsyntax.Node) []string {
	var source hclsyntax.Expression
	var rest hcl.Traversal
	switch expression := node.(type) {
	case *hclsyntax.RelativeTraversalExpr:
		if index, is := expression.Source.(*hclsyntax.IndexExpr); is {
			source, rest = index.Collection, expression.Traversal
		}
	case *hclsyntax.SplatExpr:
		if each, is := expression.Each.(*hclsyntax.RelativeTraversalExpr); is {
			source, rest = expression.Source, each.Traversal
		}
	}
	collection, is := source.(*hclsyntax.ScopeTraversalExpr)
	if !is || !strings.HasPrefix(collection.Traversal.RootName(), "aws_") {
		return nil
	}
	words := names(collection.Traversal)
	for _, step := range rest {
		if attribute, is := step.(hcl.TraverseAttr); is {
			words = append(words, attribute.Name)
		}
	}
	return words
}

func (c *checker) checkTraversal(traversal hcl.Traversal, scope []string) error {
	root := traversal.RootName()
	for _, name := range scope {
		if name == root {
			return nil
		}
	}
	words := names(traversal)
	place := traversal.SourceRange()
	switch root {
	case "path", "terraform":
		return nil
	case "var", "local", "module":
		if len(words) < 2 || !c.hasNamed(words) {
			return at(place, "there is no %s", strings.Join(words, "."))
		}
		c.used[words[0]+"."+words[1]] = true
		return nil
	case "each", "count", "self":
		return at(place, "%s is not there", root)
	}
	return c.checkResourceReference(words, place)
}

func (c *checker) hasNamed(words []string) bool {
	switch words[0] {
	case "var":
		return c.module.variables[words[1]] != nil
	case "local":
		return c.module.locals[words[1]] != nil
	}
	call := c.module.calls[words[1]]
	if call == nil {
		return false
	}
	called, err := c.module.called(call)
	return err == nil && (len(words) < 3 || called.outputs[words[2]] != nil)
}

func (c *checker) checkResourceReference(words []string, place hcl.Range) error {
	count := 2
	if words[0] == "data" {
		count = 3
	}
	if len(words) < count || c.module.resources[strings.Join(words[:count], ".")] == nil {
		return at(place, "there is no %s", strings.Join(words, "."))
	}
	address := strings.Join(words[:count], ".")
	c.used[address] = true
	kind := c.schema.Resources[strings.Join(words[:count-1], ".")]
	if len(words) > count && kind != nil && !kind.has(words[count]) {
		return at(place, "%s has no attribute %s", address, words[count])
	}
	return nil
}

// names are the words of a reference, without indices: aws_sqs_queue.this["a"].arn is aws_sqs_queue, this, arn.
func names(traversal hcl.Traversal) []string {
	words := []string{traversal.RootName()}
	for _, step := range traversal[1:] {
		if attribute, is := step.(hcl.TraverseAttr); is {
			words = append(words, attribute.Name)
		}
	}
	return words
}
