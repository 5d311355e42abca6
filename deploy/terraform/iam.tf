# SPDX-License-Identifier: Apache-2.0
# What each process may do, as managed policies, to attach to the role of an ECS task, an instance, or the pods below.
# KMS is used by way of SNS or SQS only.
locals {
  topic_arns = [for topic in aws_sns_topic.this : topic.arn]
  queue_arns = [for queue in aws_sqs_queue.this : queue.arn]
  region     = data.aws_region.this.region
}

# sns:Publish is the permission for PublishBatch as well.
resource "aws_iam_policy" "relay" {
  name        = "${var.name}-relay"
  description = "outbox-relay run"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = "sns:Publish", Resource = local.topic_arns },
      {
        Effect    = "Allow"
        Action    = ["kms:GenerateDataKey", "kms:Decrypt"]
        Resource  = local.kms_key_arn
        Condition = { StringEquals = { "kms:ViaService" = "sns.${local.region}.amazonaws.com" } }
      },
    ]
  })
  tags = var.tags
}

resource "aws_iam_policy" "consumer" {
  count = length(var.queues) > 0 ? 1 : 0

  name        = "${var.name}-consumer"
  description = "outbox-relay consume, all queues"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"]
        Resource = local.queue_arns
      },
      {
        Effect    = "Allow"
        Action    = "kms:Decrypt"
        Resource  = local.kms_key_arn
        Condition = { StringEquals = { "kms:ViaService" = "sqs.${local.region}.amazonaws.com" } }
      },
    ]
  })
  tags = var.tags
}

# IAM knows no resource for sns:GetSubscriptionAttributes but "*".
resource "aws_iam_policy" "check" {
  name        = "${var.name}-check"
  description = "outbox-relay check, beside the policy of the relay"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        { Effect = "Allow", Action = ["sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic"], Resource = local.topic_arns },
        { Effect = "Allow", Action = ["sns:GetSubscriptionAttributes"], Resource = ["*"] },
      ],
      length(local.queue_arns) == 0 ? [] : [
        { Effect = "Allow", Action = ["sqs:GetQueueUrl", "sqs:GetQueueAttributes"], Resource = local.queue_arns },
      ],
    )
  })
  tags = var.tags
}
