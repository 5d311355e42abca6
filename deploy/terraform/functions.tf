# SPDX-License-Identifier: Apache-2.0
# A function has no dead-letter queue of its own: Lambda uses that for asynchronous calls only. What it fails at goes
# back to its queue, and after max_receives to the queue's.
resource "aws_iam_role" "function" {
  for_each = var.functions

  name = "${var.name}-${each.key}-function"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { Service = "lambda.amazonaws.com" }, Action = "sts:AssumeRole" }]
  })
  tags = var.tags
}

resource "aws_iam_role_policy" "function" {
  for_each = var.functions

  name = "consume"
  role = aws_iam_role.function[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"]
        Resource = aws_sqs_queue.this[each.value.queue].arn
      },
      {
        Effect    = "Allow"
        Action    = "kms:Decrypt"
        Resource  = local.kms_key_arn
        Condition = { StringEquals = { "kms:ViaService" = "sqs.${local.region}.amazonaws.com" } }
      },
      {
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${aws_cloudwatch_log_group.function[each.key].arn}:*"
      },
    ]
  })
}

# Its network interfaces, for a function that is in a VPC.
resource "aws_iam_role_policy_attachment" "function_vpc" {
  for_each = { for name, function in var.functions : name => function if length(function.subnets) > 0 }

  role       = aws_iam_role.function[each.key].name
  policy_arn = "arn:${data.aws_partition.this.partition}:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"
}

resource "aws_cloudwatch_log_group" "function" {
  for_each = var.functions

  name              = "/aws/lambda/${var.name}-${each.key}"
  retention_in_days = each.value.log_days
  tags              = var.tags
}

resource "aws_lambda_function" "this" {
  for_each = var.functions

  function_name    = "${var.name}-${each.key}"
  description      = "outbox-relay lambda"
  role             = aws_iam_role.function[each.key].arn
  runtime          = "provided.al2023"
  handler          = "bootstrap"
  architectures    = [each.value.architecture]
  filename         = each.value.zip
  source_code_hash = filebase64sha256(each.value.zip)
  timeout          = each.value.timeout
  memory_size      = each.value.memory
  tags             = var.tags

  environment {
    variables = each.value.environment
  }

  dynamic "vpc_config" {
    for_each = length(each.value.subnets) > 0 ? [each.value] : []

    content {
      subnet_ids         = vpc_config.value.subnets
      security_group_ids = vpc_config.value.security_groups
    }
  }

  depends_on = [aws_iam_role_policy.function, aws_iam_role_policy_attachment.function_vpc]
}

# ReportBatchItemFailures must be there: without it Lambda deletes what has failed.
resource "aws_lambda_event_source_mapping" "this" {
  for_each = var.functions

  event_source_arn                   = aws_sqs_queue.this[each.value.queue].arn
  function_name                      = aws_lambda_function.this[each.key].arn
  function_response_types            = ["ReportBatchItemFailures"]
  batch_size                         = each.value.batch_size
  maximum_batching_window_in_seconds = var.queues[each.value.queue].fifo ? null : each.value.batch_window
  tags                               = var.tags

  scaling_config {
    maximum_concurrency = each.value.max_concurrency
  }

  dynamic "filter_criteria" {
    for_each = length(each.value.filters) > 0 ? [each.value.filters] : []

    content {
      dynamic "filter" {
        for_each = filter_criteria.value

        content {
          pattern = filter.value
        }
      }
    }
  }

  lifecycle {
    precondition {
      condition     = var.queues[each.value.queue].visibility_timeout >= 6 * each.value.timeout + each.value.batch_window
      error_message = "The queue's visibility_timeout is to be six times the function's timeout, and its batch_window, or more: else what is tried again runs twice at once."
    }
    precondition {
      condition     = !var.queues[each.value.queue].fifo || each.value.batch_size <= 10
      error_message = "A FIFO queue hands out batches of 10 at most."
    }
  }
}
