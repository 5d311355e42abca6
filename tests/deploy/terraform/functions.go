// SPDX-License-Identifier: Apache-2.0
package main

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// The functions of Terraform that modules here use.
var functions = map[string]function.Function{
	"alltrue":          fold("alltrue", true),
	"anytrue":          fold("anytrue", false),
	"can":              tryfunc.CanFunc,
	"concat":           stdlib.ConcatFunc,
	"contains":         stdlib.ContainsFunc,
	"distinct":         stdlib.DistinctFunc,
	"filebase64sha256": fileHash,
	"flatten":          stdlib.FlattenFunc,
	"format":           stdlib.FormatFunc,
	"join":             stdlib.JoinFunc,
	"jsondecode":       stdlib.JSONDecodeFunc,
	"jsonencode":       stdlib.JSONEncodeFunc,
	"keys":             stdlib.KeysFunc,
	"length":           length,
	"merge":            stdlib.MergeFunc,
	"one":              one,
	"regex":            stdlib.RegexFunc,
	"sort":             stdlib.SortFunc,
	"split":            stdlib.SplitFunc,
	"toset":            toSet,
	"try":              tryfunc.TryFunc,
	"values":           stdlib.ValuesFunc,
}

var constants = &hcl.EvalContext{Functions: functions}

func anything(name string) []function.Parameter {
	return []function.Parameter{{Name: name, Type: cty.DynamicPseudoType}}
}

// fold is alltrue or anytrue: what an empty list gives, and what every element leaves as it is.
func fold(name string, empty bool) function.Function {
	return function.New(&function.Spec{
		Params: anything("list"),
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(arguments []cty.Value, _ cty.Type) (cty.Value, error) {
			for it := arguments[0].ElementIterator(); it.Next(); {
				_, element := it.Element()
				value, err := convert.Convert(element, cty.Bool)
				if err != nil || value.IsNull() {
					return cty.NilVal, fmt.Errorf("%s takes a list of bool", name)
				}
				if value.True() != empty {
					return cty.BoolVal(!empty), nil
				}
			}
			return cty.BoolVal(empty), nil
		},
	})
}

var length = function.New(&function.Spec{
	Params: anything("value"),
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(arguments []cty.Value, _ cty.Type) (cty.Value, error) {
		kind := arguments[0].Type()
		switch {
		case kind == cty.String:
			return stdlib.Strlen(arguments[0])
		case kind.IsObjectType():
			return cty.NumberIntVal(int64(len(kind.AttributeTypes()))), nil
		case arguments[0].CanIterateElements():
			return cty.NumberIntVal(int64(arguments[0].LengthInt())), nil
		}
		return cty.NilVal, fmt.Errorf("length takes a string or a collection")
	},
})

var one = function.New(&function.Spec{
	Params: anything("list"),
	Type: func(arguments []cty.Value) (cty.Type, error) {
		return cty.DynamicPseudoType, nil
	},
	Impl: func(arguments []cty.Value, _ cty.Type) (cty.Value, error) {
		elements := arguments[0].AsValueSlice()
		switch len(elements) {
		case 0:
			return cty.NullVal(cty.DynamicPseudoType), nil
		case 1:
			return elements[0], nil
		}
		return cty.NilVal, fmt.Errorf("one takes a list with one element at most")
	},
})

var fileHash = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "path", Type: cty.String}},
	Type:   function.StaticReturnType(cty.String),
	Impl: func(arguments []cty.Value, _ cty.Type) (cty.Value, error) {
		text, err := os.ReadFile(arguments[0].AsString())
		hash := sha256.Sum256(text)
		return cty.StringVal(base64.StdEncoding.EncodeToString(hash[:])), err
	},
})

var toSet = function.New(&function.Spec{
	Params: anything("list"),
	Type:   function.StaticReturnType(cty.Set(cty.String)),
	Impl: func(arguments []cty.Value, _ cty.Type) (cty.Value, error) {
		if !arguments[0].IsWhollyKnown() {
			return cty.UnknownVal(cty.Set(cty.String)), nil
		}
		return convert.Convert(arguments[0], cty.Set(cty.String))
	},
})
