# SPDX-License-Identifier: Apache-2.0
# The relay gives every message its event id for deduplication: two events with one body are two events.
resource "aws_sns_topic" "this" {
  for_each = var.topics

  name                        = "${var.name}-${each.key}${each.value.fifo ? ".fifo" : ""}"
  fifo_topic                  = each.value.fifo
  content_based_deduplication = each.value.fifo ? false : null
  fifo_throughput_scope       = each.value.fifo ? each.value.throughput_scope : null
  signature_version           = each.value.fifo ? null : 2
  kms_master_key_id           = local.kms_key_arn
  tags                        = var.tags
}

# What a subscription cannot deliver at all (a queue is gone, a policy refuses) is kept here instead of being lost.
resource "aws_sqs_queue" "undelivered" {
  for_each = var.topics

  name                      = "${var.name}-${each.key}-undelivered${each.value.fifo ? ".fifo" : ""}"
  fifo_queue                = each.value.fifo
  message_retention_seconds = 1209600
  max_message_size          = 1048576
  kms_master_key_id         = local.kms_key_arn
  tags                      = var.tags
}

resource "aws_sqs_queue_policy" "undelivered" {
  for_each = var.topics

  queue_url = aws_sqs_queue.undelivered[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Deliver"
      Effect    = "Allow"
      Principal = { Service = "sns.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = aws_sqs_queue.undelivered[each.key].arn
      Condition = { ArnEquals = { "aws:SourceArn" = aws_sns_topic.this[each.key].arn } }
    }]
  })
}
