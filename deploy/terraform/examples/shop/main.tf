# SPDX-License-Identifier: Apache-2.0
# The example shop: all events in one topic and orders, in order, in another; consumers on EKS, the e-mails on Lambda.
terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.0"
    }
  }
}

provider "aws" {
  region = var.region
}

variable "region" {
  description = "Where all of it is."
  type        = string
  default     = "eu-central-1"
}

variable "cluster" {
  description = "The EKS cluster."
  type        = string
  default     = "shop"
}

variable "oidc_provider_arn" {
  description = "The cluster's OpenID Connect provider."
  type        = string
}

variable "lambda_zip" {
  description = "What cmake --build --preset release --target lambda_zip has made."
  type        = string
  default     = "../../../../build/release/lambda.zip"
}

variable "on_call" {
  description = "ARNs of topics that tell whoever is on call."
  type        = list(string)
  default     = []
}

module "events" {
  source = "../.."

  name = "shop"
  tags = { service = "shop" }

  topics = {
    events = {}
    ledger = { fifo = true }
  }

  queues = {
    orders = { visibility_timeout = 60 }
    emails = { visibility_timeout = 180, max_receives = 10 }
    ledger = { fifo = true, max_receives = 20 }
  }

  subscriptions = {
    orders = {
      topic         = "events"
      queue         = "orders"
      filter_policy = jsonencode({ "event-type" = [{ prefix = "order." }] })
    }
    emails = {
      topic         = "events"
      queue         = "emails"
      raw           = true
      filter_policy = jsonencode({ eventType = ["order.created", "user.registered"] })
      filter_scope  = "MessageBody"
    }
    ledger = { topic = "ledger", queue = "ledger" }
  }

  functions = {
    emails = {
      queue   = "emails"
      zip     = var.lambda_zip
      filters = [jsonencode({ body = { eventVersion = ["1.0"] } })]
      environment = {
        OUTBOX_ON = "order.created=http:https://mail.shop.example/events\nuser.registered=http:https://mail.shop.example/events"
      }
    }
  }

  eks = {
    namespace         = "shop"
    oidc_provider_arn = var.oidc_provider_arn
    cluster           = var.cluster
  }

  alarms = { actions = var.on_call }
}

output "topic_arns" {
  value = module.events.topic_arns
}

output "queue_urls" {
  value = module.events.queue_urls
}

output "role_arns" {
  value = module.events.role_arns
}
