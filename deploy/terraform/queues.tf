# SPDX-License-Identifier: Apache-2.0
locals {
  # The topics that deliver to a queue, by name: their ARNs are not known before they are there.
  senders = {
    for queue in distinct([for subscription in values(var.subscriptions) : subscription.queue]) : queue => distinct([
      for subscription in values(var.subscriptions) : subscription.topic if subscription.queue == queue
    ])
  }
}

resource "aws_sqs_queue" "this" {
  for_each = var.queues

  name                       = "${var.name}-${each.key}${each.value.fifo ? ".fifo" : ""}"
  fifo_queue                 = each.value.fifo
  deduplication_scope        = each.value.fifo ? "messageGroup" : null
  fifo_throughput_limit      = each.value.fifo ? "perMessageGroupId" : null
  visibility_timeout_seconds = each.value.visibility_timeout
  message_retention_seconds  = each.value.retention_days * 86400
  max_message_size           = each.value.max_message_bytes
  receive_wait_time_seconds  = 20
  kms_master_key_id          = local.kms_key_arn
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead[each.key].arn
    maxReceiveCount     = each.value.max_receives
  })
  tags = var.tags
}

resource "aws_sqs_queue" "dead" {
  for_each = var.queues

  name                      = "${var.name}-${each.key}-dead${each.value.fifo ? ".fifo" : ""}"
  fifo_queue                = each.value.fifo
  message_retention_seconds = 1209600
  max_message_size          = 1048576
  kms_master_key_id         = local.kms_key_arn
  tags                      = var.tags
}

# Only its own queue may use a dead-letter queue. (A resource of its own, as each of the two names the other.)
resource "aws_sqs_queue_redrive_allow_policy" "dead" {
  for_each = var.queues

  queue_url = aws_sqs_queue.dead[each.key].id
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.this[each.key].arn]
  })
}

# A queue that nothing is subscribed to needs no policy: its account may send.
resource "aws_sqs_queue_policy" "this" {
  for_each = local.senders

  queue_url = aws_sqs_queue.this[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Deliver"
      Effect    = "Allow"
      Principal = { Service = "sns.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = aws_sqs_queue.this[each.key].arn
      Condition = { ArnEquals = { "aws:SourceArn" = [for topic in each.value : aws_sns_topic.this[topic].arn] } }
    }]
  })
}

resource "aws_sns_topic_subscription" "this" {
  for_each = var.subscriptions

  topic_arn            = aws_sns_topic.this[each.value.topic].arn
  protocol             = "sqs"
  endpoint             = aws_sqs_queue.this[each.value.queue].arn
  raw_message_delivery = each.value.raw
  filter_policy        = each.value.filter_policy
  filter_policy_scope  = each.value.filter_policy != null ? each.value.filter_scope : null
  redrive_policy       = jsonencode({ deadLetterTargetArn = aws_sqs_queue.undelivered[each.value.topic].arn })

  # SNS begins to deliver at once: what it may not send goes to the queue of the undelivered.
  depends_on = [aws_sqs_queue_policy.this, aws_sqs_queue_policy.undelivered]

  lifecycle {
    precondition {
      condition     = var.topics[each.value.topic].fifo || !var.queues[each.value.queue].fifo
      error_message = "SNS cannot deliver from a standard topic to a FIFO queue."
    }
  }
}
