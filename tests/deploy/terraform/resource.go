// SPDX-License-Identifier: Apache-2.0
package main

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

const (
	account = "000000000000"
	region  = "us-east-1"
)

// resource evaluates all instances of a resource: one object, a tuple (count) or an object of them (for_each).
func (p *plan) resource(address string, block *hclsyntax.Block) (cty.Value, error) {
	if attribute := block.Body.Attributes["count"]; attribute != nil {
		return p.counted(address, block, attribute.Expr)
	}
	attribute := block.Body.Attributes["for_each"]
	if attribute == nil {
		return p.instance(address, block, nil)
	}
	each, err := p.evaluate(attribute.Expr, nil)
	if err != nil {
		return cty.NilVal, err
	}
	if !each.IsKnown() {
		return cty.NilVal, at(attribute.SrcRange, "for_each depends on what is known only after apply")
	}
	if !each.CanIterateElements() || each.Type().IsTupleType() || each.Type().IsListType() {
		return cty.NilVal, at(attribute.SrcRange, "for_each takes a map or a set")
	}
	instances := map[string]cty.Value{}
	for it := each.ElementIterator(); it.Next(); {
		key, value := it.Element()
		scope := map[string]cty.Value{"each": cty.ObjectVal(map[string]cty.Value{"key": key, "value": value})}
		name := key.AsString()
		if instances[name], err = p.instance(fmt.Sprintf("%s[%q]", address, name), block, scope); err != nil {
			return cty.NilVal, err
		}
	}
	return cty.ObjectVal(instances), nil
}

func (p *plan) counted(address string, block *hclsyntax.Block, expression hclsyntax.Expression) (cty.Value, error) {
	count, err := p.evaluate(expression, nil)
	if err != nil {
		return cty.NilVal, err
	}
	if !count.IsKnown() {
		return cty.NilVal, at(block.DefRange(), "count depends on what is known only after apply")
	}
	number, _ := count.AsBigFloat().Int64()
	var instances []cty.Value
	for index := int64(0); index < number; index++ {
		scope := map[string]cty.Value{"count": cty.ObjectVal(map[string]cty.Value{"index": cty.NumberIntVal(index)})}
		instance, err := p.instance(fmt.Sprintf("%s[%d]", address, index), block, scope)
		if err != nil {
			return cty.NilVal, err
		}
		instances = append(instances, instance)
	}
	return cty.TupleVal(instances), nil
}

func (p *plan) instance(address string, block *hclsyntax.Block, scope map[string]cty.Value) (cty.Value, error) {
	kind := block.Labels[0]
	if block.Type == "data" {
		kind = "data." + kind
	}
	schema := p.schema.Resources[kind]
	if schema == nil {
		return cty.NilVal, at(block.DefRange(), "no schema of %s", kind)
	}
	values, err := p.body(schema, block.Body, p.prefix+address, scope, true)
	if err != nil {
		return cty.NilVal, err
	}
	complete(schema, kind, p.prefix+address, values, p.early && block.Type == "resource")
	for _, nested := range block.Body.Blocks {
		if nested.Type == "lifecycle" {
			for _, rule := range nested.Body.Blocks {
				if err := p.condition(rule, scope); err != nil {
					return cty.NilVal, err
				}
			}
		}
	}
	value := cty.ObjectVal(values)
	if block.Type == "resource" && !p.early {
		text, err := encode(value)
		if err != nil {
			return cty.NilVal, err
		}
		p.planned = append(p.planned, resource{p.prefix + address, kind, text})
	}
	return value, nil
}

// body evaluates arguments and blocks, each converted to its type in the schema. Blocks are tuples of objects.
func (p *plan) body(schema *blockSchema, body *hclsyntax.Body, what string, scope map[string]cty.Value, top bool) (
	map[string]cty.Value, error) {
	values := map[string]cty.Value{}
	for name, argument := range schema.Arguments {
		values[name] = cty.NullVal(types[argument.Type])
	}
	for name, attribute := range body.Attributes {
		if top && metaArguments[name] {
			continue
		}
		value, err := p.evaluate(attribute.Expr, scope)
		if err != nil {
			return nil, err
		}
		argument, known := schema.Arguments[name]
		if !known {
			return nil, at(attribute.SrcRange, "%s has no argument %s", what, name)
		}
		if values[name], err = argument.convert(value); err != nil {
			return nil, at(attribute.SrcRange, "%s: %s: %s", what, name, err)
		}
	}
	return values, p.blocks(schema, body, what, scope, values)
}

func (p *plan) blocks(schema *blockSchema, body *hclsyntax.Body, what string, scope, values map[string]cty.Value) error {
	lists := map[string][]cty.Value{}
	for _, block := range body.Blocks {
		if block.Type == "lifecycle" {
			continue
		}
		if err := p.block(schema, block, what, scope, lists); err != nil {
			return err
		}
	}
	for name, nested := range schema.Blocks {
		if len(lists[name]) > 1 && !nested.Many {
			return fmt.Errorf("%s has one block %s at most", what, name)
		}
		values[name] = cty.TupleVal(lists[name])
	}
	return nil
}

// block evaluates one, or what a dynamic one stands for, and appends it to the list of its name.
func (p *plan) block(schema *blockSchema, block *hclsyntax.Block, what string, scope map[string]cty.Value,
	lists map[string][]cty.Value) error {
	name, inner, scopes := block.Type, block.Body, []map[string]cty.Value{scope}
	if name == "dynamic" {
		var err error
		if name, inner, err = dynamicBlock(block); err != nil {
			return err
		}
		each, err := p.evaluate(block.Body.Attributes["for_each"].Expr, scope)
		if err != nil {
			return err
		}
		if !each.IsKnown() {
			return nil
		}
		scopes = nil
		for it := each.ElementIterator(); it.Next(); {
			key, value := it.Element()
			wider := map[string]cty.Value{name: cty.ObjectVal(map[string]cty.Value{"key": key, "value": value})}
			for word, known := range scope {
				wider[word] = known
			}
			scopes = append(scopes, wider)
		}
	}
	nested := schema.Blocks[name]
	if nested == nil {
		return at(block.DefRange(), "%s has no block %s", what, name)
	}
	for _, scope := range scopes {
		values, err := p.body(nested, inner, what+"."+name, scope, false)
		if err != nil {
			return err
		}
		lists[name] = append(lists[name], cty.ObjectVal(values))
	}
	return nil
}

// complete adds what AWS would say of the resource: ARN, id, URL. What else it would say stays unknown.
func complete(schema *blockSchema, kind, address string, values map[string]cty.Value, early bool) {
	for _, name := range schema.Computed {
		values[name] = cty.UnknownVal(cty.String)
	}
	if early {
		values["id"] = cty.UnknownVal(cty.String)
		return
	}
	text := func(name string) string {
		value, there := values[name]
		if !there || value.IsNull() || !value.IsKnown() || value.Type() != cty.String {
			return ""
		}
		return value.AsString()
	}
	arns := map[string]string{
		"aws_sns_topic":            "sns:" + region + ":" + account + ":" + text("name"),
		"aws_sqs_queue":            "sqs:" + region + ":" + account + ":" + text("name"),
		"aws_iam_role":             "iam::" + account + ":role/" + text("name"),
		"aws_iam_policy":           "iam::" + account + ":policy/" + text("name"),
		"aws_kms_key":              "kms:" + region + ":" + account + ":key/00000000-0000-4000-8000-000000000000",
		"aws_lambda_function":      "lambda:" + region + ":" + account + ":function:" + text("function_name"),
		"aws_cloudwatch_log_group": "logs:" + region + ":" + account + ":log-group:" + text("name"),
	}
	values["id"] = cty.StringVal(strings.TrimPrefix(address, "module."))
	if arn, has := arns[kind]; has {
		values["arn"], values["id"] = cty.StringVal("arn:aws:"+arn), cty.StringVal("arn:aws:"+arn)
	}
	switch kind {
	case "aws_sqs_queue":
		values["url"] = cty.StringVal("https://sqs." + region + ".amazonaws.com/" + account + "/" + text("name"))
		values["id"] = values["url"]
	case "aws_iam_role":
		values["id"] = values["name"]
	case "aws_kms_key":
		values["key_id"] = cty.StringVal("00000000-0000-4000-8000-000000000000")
	case "data.aws_caller_identity":
		values["account_id"] = cty.StringVal(account)
	case "data.aws_region":
		values["region"] = cty.StringVal(region)
	case "data.aws_partition":
		values["partition"] = cty.StringVal("aws")
	}
}
