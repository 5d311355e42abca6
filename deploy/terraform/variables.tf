# SPDX-License-Identifier: Apache-2.0
variable "name" {
  description = "What the names of all resources begin with, followed by a hyphen."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,30}[a-z0-9]$", var.name))
    error_message = "name is 2 to 32 lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "tags" {
  description = "Tags of all resources."
  type        = map(string)
  default     = {}
}

variable "topics" {
  description = "Topics to publish to, by name. A FIFO topic's name in AWS ends in .fifo; leave that out here."
  type = map(object({
    fifo             = optional(bool, false)
    throughput_scope = optional(string, "MessageGroup")
  }))

  validation {
    condition     = length(var.topics) > 0 && alltrue([for name in keys(var.topics) : can(regex("^[A-Za-z0-9_-]{1,100}$", name))])
    error_message = "topics has one at least; names are letters, digits, hyphens and underscores, 100 at most."
  }
  validation {
    condition     = alltrue([for topic in values(var.topics) : contains(["MessageGroup", "Topic"], topic.throughput_scope)])
    error_message = "throughput_scope is MessageGroup or Topic."
  }
}

variable "queues" {
  description = "Queues, by name, each with a dead-letter queue NAME-dead. Behind a FIFO topic a queue should be FIFO as well."
  type = map(object({
    fifo               = optional(bool, false)
    visibility_timeout = optional(number, 30)
    max_receives       = optional(number, 5)
    retention_days     = optional(number, 4)
    max_message_bytes  = optional(number, 1048576)
  }))
  default = {}

  validation {
    condition     = alltrue([for name in keys(var.queues) : can(regex("^[A-Za-z0-9_-]{1,30}$", name))])
    error_message = "The names of queues are letters, digits, hyphens and underscores, 30 at most."
  }
  validation {
    condition     = alltrue([for queue in values(var.queues) : queue.visibility_timeout >= 2 && queue.visibility_timeout <= 43200])
    error_message = "visibility_timeout is 2 to 43200 seconds."
  }
  validation {
    condition     = alltrue([for queue in values(var.queues) : queue.max_receives >= 1 && queue.max_receives <= 1000])
    error_message = "max_receives is 1 to 1000."
  }
  validation {
    condition     = alltrue([for queue in values(var.queues) : queue.retention_days >= 1 && queue.retention_days < 14])
    error_message = "retention_days is 1 to 13, less than the 14 days of the dead-letter queue: its messages keep their age."
  }
  validation {
    condition     = alltrue([for queue in values(var.queues) : queue.max_message_bytes >= 1024 && queue.max_message_bytes <= 1048576])
    error_message = "max_message_bytes is 1024 to 1048576."
  }
}

variable "subscriptions" {
  description = "Which queue gets what of which topic, by any name. filter_policy is JSON; its attributes are event-type, aggregate-id and so on."
  type = map(object({
    topic         = string
    queue         = string
    raw           = optional(bool, false)
    filter_policy = optional(string)
    filter_scope  = optional(string, "MessageAttributes")
  }))
  default = {}

  validation {
    condition     = alltrue([for subscription in values(var.subscriptions) : contains(["MessageAttributes", "MessageBody"], subscription.filter_scope)])
    error_message = "filter_scope is MessageAttributes or MessageBody."
  }
  validation {
    condition     = alltrue([for subscription in values(var.subscriptions) : subscription.filter_policy == null || can(keys(jsondecode(subscription.filter_policy)))])
    error_message = "filter_policy is a JSON object: use jsonencode."
  }
  validation {
    condition     = length(distinct([for subscription in values(var.subscriptions) : "${subscription.topic} ${subscription.queue}"])) == length(var.subscriptions)
    error_message = "SNS has one subscription of a queue to a topic, not several."
  }
}

variable "kms_key_arn" {
  description = "A key to encrypt with, whose policy lets sns.amazonaws.com use kms:GenerateDataKey and kms:Decrypt. Not set: the module makes one."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/", var.kms_key_arn))
    error_message = "kms_key_arn is the ARN of a key, not of an alias: policies name keys."
  }
}

variable "eks" {
  description = "Makes IAM roles for pods on EKS: by the cluster's OpenID Connect provider (IRSA), where oidc_provider_arn is set, and by Pod Identity, where cluster is set."
  type = object({
    namespace                = string
    oidc_provider_arn        = optional(string)
    cluster                  = optional(string)
    relay_service_account    = optional(string, "outbox-relay")
    consumer_service_account = optional(string, "outbox-consumer")
  })
  default = null

  validation {
    condition     = var.eks == null || try(var.eks.oidc_provider_arn != null || var.eks.cluster != null, false)
    error_message = "eks has an oidc_provider_arn, or a cluster that runs the Pod Identity agent, or both."
  }
  validation {
    condition     = try(var.eks.oidc_provider_arn, null) == null || can(regex("^arn:[a-z-]+:iam::[0-9]{12}:oidc-provider/", var.eks.oidc_provider_arn))
    error_message = "oidc_provider_arn is arn:aws:iam::ACCOUNT:oidc-provider/oidc.eks.REGION.amazonaws.com/id/ID."
  }
  validation {
    condition     = !can(regex("[*?]", "${var.eks.namespace}${var.eks.relay_service_account}${var.eks.consumer_service_account}"))
    error_message = "Namespace and service accounts are exact: a wildcard would let other pods in."
  }
}

variable "functions" {
  description = "Lambda functions that consume a queue, by name. zip is build/release/lambda.zip; environment has OUTBOX_ON and what its handlers need."
  type = map(object({
    queue           = string
    zip             = string
    environment     = map(string)
    architecture    = optional(string, "x86_64")
    timeout         = optional(number, 30)
    memory          = optional(number, 128)
    batch_size      = optional(number, 10)
    batch_window    = optional(number, 0)
    max_concurrency = optional(number, 10)
    filters         = optional(list(string), [])
    log_days        = optional(number, 30)
    subnets         = optional(list(string), [])
    security_groups = optional(list(string), [])
  }))
  default = {}

  validation {
    condition     = alltrue([for function in values(var.functions) : function.timeout >= 1 && function.timeout <= 900])
    error_message = "timeout is 1 to 900 seconds."
  }
  validation {
    condition     = alltrue([for function in values(var.functions) : contains(["x86_64", "arm64"], function.architecture)])
    error_message = "architecture is x86_64 or arm64, that of the machine lambda.zip was built on."
  }
  validation {
    condition     = alltrue([for function in values(var.functions) : function.max_concurrency >= 2 && function.max_concurrency <= 1000])
    error_message = "max_concurrency is 2 to 1000."
  }
  validation {
    condition     = alltrue([for function in values(var.functions) : function.batch_size <= 10 || function.batch_window >= 1])
    error_message = "A batch_size above 10 needs a batch_window of a second at least."
  }
  validation {
    condition     = alltrue([for function in values(var.functions) : can([for filter in function.filters : keys(jsondecode(filter))])])
    error_message = "filters are JSON objects: use jsonencode."
  }
  validation {
    condition     = alltrue([for function in values(var.functions) : contains(keys(function.environment), "OUTBOX_ON")])
    error_message = "environment has OUTBOX_ON, the handlers: without any the function would delete what it gets."
  }
}

variable "alarms" {
  description = "Who is told (ARNs of topics, say), and after how many seconds an event is late. Not set: no alarms."
  type = object({
    actions    = list(string)
    late_after = optional(number, 300)
  })
  default = null
}
